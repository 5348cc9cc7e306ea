import type { CountBatch, Instrument, UsageDay } from '@px-usage/core'
import { encodeInstrument, type FieldGain, gainsOf, type SeriesEncoder } from './series-fields.ts'

/** The most increments of one frame: Redis needs less than a millisecond for them, so that other users of it do not wait. */
const largestFrame = 250

/** Part of a batch for one shard. Its content never changes, and it is sent until Redis has added it. */
export interface Frame {
  readonly day: UsageDay
  readonly shard: number
  /** Arguments of the script `applyFrame`, without sequence and expiry. */
  readonly args: readonly string[]
  readonly increments: number
  /** Calls in this frame, for the report of a loss. */
  readonly calls: number
  isAdded: boolean
}

interface Draft {
  instruments: Map<string, Instrument>
  gains: FieldGain[]
  calls: number
}

/** Splits a batch into frames. */
export function framesOf(batch: CountBatch, encoder: SeriesEncoder): Frame[] {
  const frames: Frame[] = []
  const drafts = new Map<number, Draft>()

  function finish(shard: number, { instruments, gains, calls }: Draft): void {
    const defined = [...instruments].flatMap(([digest, one]) => [digest, encodeInstrument(one)])
    const args = [batch.day, String(instruments.size), ...defined, ...gains.flat()]
    frames.push({ day: batch.day, shard, args, increments: gains.length, calls, isAdded: false })
    drafts.delete(shard)
  }

  batch.forEach((id, gained) => {
    const series = encoder.of(batch, id)
    const draft: Draft = drafts.get(series.shard) ?? { instruments: new Map(), gains: [], calls: 0 }
    drafts.set(series.shard, draft)
    draft.instruments.set(series.digest, series.instrument)
    draft.gains.push(...gainsOf(series, gained))
    if (series.instrument.kind === 'sum') draft.calls += gained[0] ?? 0
    if (draft.gains.length >= largestFrame) finish(series.shard, draft)
  })
  for (const [shard, draft] of [...drafts]) finish(shard, draft)
  return frames
}
