import type { Endpoint } from './endpoint.ts'
import type { Identity } from './identity.ts'

/** A calendar day in the meter's time zone, `'2026-11-23'`. Open, then closed once. */
export type UsageDay = string

export type PropertyValue = string | number | boolean
export type Properties = Readonly<Record<string, PropertyValue>>

/**
 * The definition of what is measured. `sum` adds values up; `last` keeps the newest value, as `[value, epoch ms of the reading]`.
 *
 * It is stored with every series, so that a process which no longer declares an instrument can still close its day.
 */
export interface Instrument {
  readonly name: string
  readonly kind: 'sum' | 'last'
  /** One name for each value of a series: the property of the PX event that carries the value. */
  readonly measures: readonly string[]
}

/** One running number for each measure: what an instrument counts for one identity with one set of properties. */
export interface Series {
  readonly instrument: Instrument
  readonly identity: Identity
  readonly properties: Properties
  /** Only series of API calls have an endpoint. */
  readonly endpoint?: Endpoint | undefined
}

export interface SeriesTotal {
  series: Series
  values: readonly number[]
}

/**
 * The counts of one usage day that the meter gained since the previous batch.
 *
 * Frozen: the same `sequence` always carries the same increments. The sequences of one writer rise by one from 1, over all
 * days. After a failure the meter may offer a batch again after later batches of other days.
 */
export interface CountBatch {
  readonly day: UsageDay
  readonly sequence: number
  readonly size: number
  /**
   * Visits every changed series once. `id` is small and dense, and identifies the same series for as long as `table` is the
   * same object. `gained` is reused between visits.
   */
  forEach(visit: (id: number, gained: ArrayLike<number>) => void): void
  /** Returns the series of an id. It creates the object, so call it only when an id is seen for the first time. */
  describe(id: number): Series
  readonly table: object
}
