import type { CountBatch, Instrument, UsageDay } from '@px-usage/core'
import {
  type EncodedSeries,
  encodeInstrument,
  type FieldGain,
  gainsOf,
  type SeriesEncoder,
} from './series-fields.ts'

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

/** Collects what series gained on one day, and splits it into frames. */
export class FrameDrafts {
  readonly #day: UsageDay
  readonly #drafts = new Map<number, Draft>()

  constructor(day: UsageDay) {
    this.#day = day
  }

  /** Adds what a series gained. @returns a frame if one is full */
  add(series: EncodedSeries, gained: ArrayLike<number>): Frame | undefined {
    const { shard, instrument } = series
    const draft: Draft = this.#drafts.get(shard) ?? { instruments: new Map(), gains: [], calls: 0 }
    this.#drafts.set(shard, draft)
    draft.instruments.set(series.digest, instrument)
    draft.gains.push(...gainsOf(series, gained))
    if (instrument.kind === 'sum') draft.calls += gained[0] ?? 0
    return draft.gains.length >= largestFrame ? this.#finish(shard, draft) : undefined
  }

  /** Returns the frames that are not full. */
  rest(): Frame[] {
    return [...this.#drafts].map(([shard, draft]) => this.#finish(shard, draft))
  }

  #finish(shard: number, { instruments, gains, calls }: Draft): Frame {
    const defined = [...instruments].flatMap(([digest, one]) => [digest, encodeInstrument(one)])
    const args = [this.#day, String(instruments.size), ...defined, ...gains.flat()]
    this.#drafts.delete(shard)
    return { day: this.#day, shard, args, increments: gains.length, calls, isAdded: false }
  }
}

/** Splits a batch into frames. */
export function framesOf(batch: CountBatch, encoder: SeriesEncoder): Frame[] {
  const frames: Frame[] = []
  const drafts = new FrameDrafts(batch.day)
  batch.forEach((id, gained) => {
    const full = drafts.add(encoder.of(batch, id), gained)
    if (full !== undefined) frames.push(full)
  })
  return [...frames, ...drafts.rest()]
}
