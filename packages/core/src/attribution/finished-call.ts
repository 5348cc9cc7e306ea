import type { IdentifyResult } from './identify.ts'

/** One finished request, as an adapter passes it to the meter. It contains nothing of the framework. */
export interface FinishedCall {
  /** What the app's `identify` returned: an identity, nothing for an anonymous call, or a promise of either. */
  identity: IdentifyResult
  /** As received, upper case (`GET`); a method outside the HTTP registry is counted as `_OTHER`. */
  method: string
  /** Route template (`/v1/users/:id`); `undefined` when no route matched, counted as `(unmatched)`. */
  route: string | undefined
  /** The status of the response, also if the client did not wait for all of it; 0 if the client left before there was a status. */
  statusCode: number
  /** The client went away before the response was complete. */
  aborted: boolean
  /** Low-cardinality dimensions of this call, added to the meter's own. */
  properties?: unknown
  /** Further numbers of this call by name, which are added up in the same events: `{ tokens: 12 }`. At most 10 names in a meter. */
  measures?: unknown
}
