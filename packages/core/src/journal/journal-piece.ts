import { encodeFrame, frameTypes } from '../files/frames.ts'
import type { CountBatch } from '../model/series.ts'
import type { CountsEncoder } from './journal-counts.ts'

/** A frame with some series of a batch: those before index `to` that no earlier piece has. */
export interface Piece {
  readonly frame: Buffer
  readonly to: number
}

/**
 * Limits of what is encoded and written at once. A known series takes three bytes and much less than a microsecond. A new one
 * takes about ten microseconds while the code is cold, which it is when a process starts and sees all of its series first.
 */
const pieceBytes = 64 * 1024
const pieceNewSeries = 250
/** Encodes the next piece of a batch. @param at its first series, its sequence, and the seed of its checksum */
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
