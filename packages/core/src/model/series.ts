import type { Endpoint } from './endpoint.ts'
import type { Identity } from './identity.ts'

/** A calendar day in the meter's time zone, `'2026-11-23'`. Open, then closed once. */
export type UsageDay = string

export type PropertyValue = string | number | boolean
export type Properties = Readonly<Record<string, PropertyValue>>

/**
 * What makes numbers. `sum` adds up; `last` keeps the newest value, its values being `[value, epoch ms of the reading]`.
 *
 * It travels with every series, so that a process that no longer declares an instrument can still close its day.
 */
export interface Instrument {
  readonly name: string
  readonly kind: 'sum' | 'last'
  /** One name per value of a series: the names under which the numbers stand in the event. */
  readonly measures: readonly string[]
}

/** One running number, or one per measure: what an instrument counts for one identity with one set of properties. */
export interface Series {
  readonly instrument: Instrument
  readonly identity: Identity
  readonly properties: Properties
  /** Only series of API calls have one. */
  readonly endpoint?: Endpoint | undefined
}

export interface SeriesTotal {
  series: Series
  values: readonly number[]
}

/**
 * What the meter counted since the batch before, for one usage day.
 *
 * Frozen: the same `sequence` always carries the same increments. Sequences of one writer
 * rise by one from 1, over all days. After a failure a batch may be offered again behind later ones of other days.
 */
export interface CountBatch {
  readonly day: UsageDay
  readonly sequence: number
  readonly size: number
  /**
   * Visits every series that changed, once. `id` is small, dense, and names the same series for as long as `table` is
   * the same object; `gained` is reused between visits.
   */
  forEach(visit: (id: number, gained: ArrayLike<number>) => void): void
  /** The series behind an id. Builds the object, so call it at the first sight of an id only. */
  describe(id: number): Series
  readonly table: object
}
