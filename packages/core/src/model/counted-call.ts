import type { Endpoint } from './endpoint.ts'
import type { Properties, UsageDay } from './series.ts'

/** What a series counts of a finished call. Its identity is found separately. */
export interface CountedCall {
  /** The usage day in which it finished, even if its identity is found later. */
  readonly day: UsageDay
  readonly endpoint: Endpoint
  readonly properties: Properties
  readonly statusCode: number
  readonly aborted: boolean
}
