import type { IdentifyAnswer } from './identify.ts'

/** One request that is over, as an adapter hands it to the meter: nothing in it is shaped by a framework. */
export interface FinishedCall {
  /** What the app's `identify` answered: an identity, nothing for an anonymous call, or a promise of either. */
  identity: IdentifyAnswer
  /** As received, upper case (`GET`); a method outside the HTTP registry is counted as `_OTHER`. */
  method: string
  /** Route template (`/v1/users/:id`); `undefined` when no route matched, counted as `(unmatched)`. */
  route: string | undefined
  /** The status that was answered, also when the client did not wait for all of it; 0 if it left before there was one. */
  statusCode: number
  /** The client went away before the response was complete. */
  aborted: boolean
  /** Low-cardinality dimensions of this call, added to the meter's own. */
  properties?: unknown
}
