import { encodeFrame, frameTypes } from '../files/frames.ts'
import type { CountBatch } from '../model/series.ts'
import type { CountsEncoder } from './journal-counts.ts'

/** A frame with a part of a batch: its series up to the `to`th. */
export interface Piece {
  readonly frame: Buffer
  readonly to: number
}

/**
 * What is encoded and written at once. A known series takes three bytes and well below a microsecond; a new one takes some ten
 * microseconds as long as the code is cold, which it is when a process starts and sees all of its series for the first time.
 */
const pieceBytes = 64 * 1024
const pieceNewSeries = 250
/** The next part of a batch, up to a piece. @param at its first series, the sequence it gets, and what its checksum starts from */
export function encodePiece(
  encoder: CountsEncoder,
  batch: CountBatch,
  at: { from: number; sequence: number; seed: number },
): Piece {
  let to = batch.size
  let place = 0
  encoder.begin(at.sequence)
  batch.forEach((id, gained) => {
    if (place >= at.from && place < to) {
      encoder.gain(batch, id, gained)
      if (encoder.bytes > pieceBytes || encoder.describedSeries === pieceNewSeries) to = place + 1
    }
    place += 1
  })
  return { frame: encodeFrame(frameTypes.counts, encoder.payload(), at.seed), to }
}
