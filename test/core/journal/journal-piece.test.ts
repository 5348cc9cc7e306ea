import { expect, it } from 'vitest'
import { decodeFrame, type Frame, frameSeed, frameTypes } from '../../../packages/core/src/files/frames.ts'
import { CountsDecoder, CountsEncoder } from '../../../packages/core/src/journal/journal-counts.ts'
import { encodePiece, type Piece } from '../../../packages/core/src/journal/journal-piece.ts'
import type { CountBatch } from '../../../packages/core/src/model/series.ts'
import { batches } from '../../support/count-batch.ts'

const seed = frameSeed('a journal')

function piecesOf(encoder: CountsEncoder, batch: CountBatch): Piece[] {
  const pieces: Piece[] = []
  for (let from = 0, sequence = batch.sequence; from < batch.size; sequence++) {
    const piece = encodePiece(encoder, batch, { from, sequence, seed })
    pieces.push({ ...piece, frame: Buffer.from(piece.frame) })
    from = piece.to
  }
  return pieces
}

/** The calls by user in frames, and the number of users in each. */
function decode(pieces: readonly Piece[]) {
  const users: string[] = []
  const calls: Array<[user: string, calls: number]> = []
  const perPiece: number[] = []
  const sequences: number[] = []
  const decoder = new CountsDecoder({
    withSeries: true,
    onSeries: (_, series) => void users.push(series?.identity.userId as string),
    onGain: (number, values) => void calls.push([users[number] as string, values[0] as number]),
  })
  for (const { frame } of pieces) {
    const { type, payload } = decodeFrame(frame, 0, seed) as Frame
    expect(type).toBe(frameTypes.counts)
    sequences.push(CountsDecoder.sequenceOf(payload))
    const before = calls.length
    decoder.begin(payload)
    while (decoder.step(1_000) > 0);
    perPiece.push(calls.length - before)
  }
  return { calls, perPiece, sequences }
}

const callsOf = (count: number, name = 'user') =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name} ${at}`, at + 1]))

it('a batch of few series is one piece', () => {
  const gained = callsOf(250)
  const pieces = piecesOf(new CountsEncoder(), batches()(gained))
  expect(pieces.map(({ to }) => to)).toEqual([250])
  expect(decode(pieces)).toEqual({ calls: Object.entries(gained), perPiece: [250], sequences: [1] })
})

it('a piece describes at most 250 new series, and each series is in one piece', () => {
  const gained = callsOf(601)
  const pieces = piecesOf(new CountsEncoder(), batches()(gained))
  expect(pieces.map(({ to }) => to)).toEqual([250, 500, 601])
  const { calls, perPiece, sequences } = decode(pieces)
  expect(calls).toEqual(Object.entries(gained))
  expect(perPiece).toEqual([250, 250, 101])
  expect(sequences).toEqual([1, 2, 3])
})

it('series that the file describes already are not new, so one piece takes thousands of them', () => {
  const encoder = new CountsEncoder()
  const batchOf = batches()
  const gained = callsOf(2_000)
  const first = piecesOf(encoder, batchOf(gained))
  const second = piecesOf(encoder, batchOf(gained))
  expect([first.length, second.length]).toEqual([8, 1])
  expect(decode([...first, ...second]).calls).toHaveLength(4_000)
})

it('a piece has at most 64 KB and one series more, however long the names are', () => {
  const longName = 'x'.repeat(5_000)
  const gained = callsOf(40, longName)
  const pieces = piecesOf(new CountsEncoder(), batches()(gained))
  expect(pieces.length).toBeGreaterThan(2)
  for (const { frame } of pieces) expect(frame.length).toBeLessThan(64 * 1024 + 2 * 5_100)
  expect(decode(pieces).calls).toEqual(Object.entries(gained))
})
