import { randomBytes } from 'node:crypto'
import type { OutboxLine, UsageDay } from '@px-usage/core'
import type { MakeShipment } from '@px-usage/core/adapter'
import { type Frame, FrameDrafts } from '../counting/frames.ts'
import type { SeriesEncoder } from '../counting/series-fields.ts'

/** The last sequence of a producer. */
interface Position {
  readonly producer: string
  readonly sequence: number
}

/** The last sequence that was assigned in each shard. */
export type Positions = ReadonlyMap<number, Position>

/** A frame with the producer and the sequence under which Redis adds it once. */
export interface NumberedFrame extends Position {
  readonly shard: number
  readonly day: UsageDay
  readonly args: readonly string[]
  readonly calls: number
}

/** The last line of a shipment, with the positions after it. */
const positionsId = 'positions'

/** Returns the first producer of a journal. */
export function firstProducer(journalId: string): string {
  return `${journalId}~0`
}

/** Returns a producer that was never used. */
export function newProducer(journalId: string): string {
  return `${journalId}~${randomBytes(4).toString('hex')}`
}

export function encodeFrame({ producer, shard, sequence, day, args, calls }: NumberedFrame): OutboxLine {
  const id = [producer, shard, sequence].join(' ')
  return { id, day, kind: 'event', rank: 'total', calls, body: JSON.stringify(args) }
}

function encodePositions(positions: Positions): OutboxLine {
  const body = JSON.stringify([...positions])
  return { id: positionsId, day: '', kind: 'event', rank: 'total', calls: 0, body }
}

/** Decodes a line of a shipment. */
export function decodeLine({ id, day, calls, body }: OutboxLine): NumberedFrame | Positions {
  if (id === positionsId) return new Map(JSON.parse(body) as Array<[number, Position]>)
  const [producer = '', shard, sequence] = id.split(' ')
  const args = JSON.parse(body) as string[]
  return { producer, shard: Number(shard), sequence: Number(sequence), day, calls, args }
}

export function isFrame(line: NumberedFrame | Positions): line is NumberedFrame {
  return 'args' in line
}

/**
 * Creates the lines of a shipment: frames that continue the sequences of the shards.
 *
 * @param producer the producer of a shard that has none yet
 * @param onEnd called with the positions after the last frame
 */
export function linesOf(
  encoder: SeriesEncoder,
  { positions, producer, onEnd }: { positions: Positions; producer: string; onEnd(after: Positions): void },
): MakeShipment {
  return async function* (counts) {
    const after = new Map(positions)
    const numbered = ({ shard, day, args, calls }: Frame) => {
      const before = after.get(shard) ?? { producer, sequence: 0 }
      const position = { producer: before.producer, sequence: before.sequence + 1 }
      after.set(shard, position)
      return encodeFrame({ ...position, shard, day, args, calls })
    }
    let drafts: FrameDrafts | undefined
    let draftedDay: UsageDay | undefined
    for await (const { day, totals } of counts) {
      if (day !== draftedDay) {
        yield* drafts?.rest().map(numbered) ?? []
        drafts = new FrameDrafts(day)
        draftedDay = day
      }
      for (const { series, values } of totals) {
        const full = drafts?.add(encoder.encode(series), values)
        if (full !== undefined) yield numbered(full)
      }
    }
    if (drafts === undefined) return
    yield* drafts.rest().map(numbered)
    onEnd(after)
    yield encodePositions(after)
  }
}

/** What Redis no longer has of a producer in a shard. */
export interface Gap extends Position {
  readonly shard: number
}

/**
 * Gives the frames that Redis lost to a new producer, so that it adds them although earlier ones are lost for good.
 *
 * @param gap the producer, and the last sequence that Redis has of it
 * @param onEnd called with the positions after the last line, and the first sequence of the lost frames
 */
export function withNewProducer(
  gap: Gap,
  {
    producer,
    positions,
    onEnd,
  }: {
    producer: string
    positions: Positions
    onEnd(after: Positions, firstSequence: number | undefined): void
  },
) {
  return async function* (lines: AsyncIterable<OutboxLine>): AsyncGenerator<OutboxLine> {
    let sequence = 0
    let first: number | undefined
    for await (const line of lines) {
      const frame = decodeLine(line)
      if (!isFrame(frame)) continue
      const isOfGap = frame.producer === gap.producer && frame.shard === gap.shard
      if (!isOfGap) {
        yield line
        continue
      }
      if (frame.sequence <= gap.sequence) continue
      first ??= frame.sequence
      sequence += 1
      yield encodeFrame({ ...frame, producer, sequence })
    }
    const after = new Map(positions)
    if (after.get(gap.shard)?.producer === gap.producer) after.set(gap.shard, { producer, sequence })
    onEnd(after, first)
    yield encodePositions(after)
  }
}
