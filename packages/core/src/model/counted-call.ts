import type { Endpoint } from './endpoint.ts'
import type { Instrument, Properties, UsageDay } from './series.ts'

/** One further number of a call, which is added to the event of its calls. */
export interface MeasuredValue {
  readonly instrument: Instrument
  readonly value: number
}

/** What a series counts of finished calls. Their identity is found separately. */
export interface CountedCall {
  /** The usage day in which it finished, even if its identity is found later. */
  readonly day: UsageDay
  readonly endpoint: Endpoint
  readonly properties: Properties
  readonly statusCode: number
  readonly aborted: boolean
  /** What the app measured of it; of calls that are counted together, the sums. */
  readonly measures?: readonly MeasuredValue[] | undefined
}
