import type { Endpoint } from './endpoint.ts'
import type { Properties } from './series.ts'

/** Everything that a call adds to, apart from its identity: calls of the same kind and the same identity are counted alike. */
export interface CallKind {
  readonly endpoint: Endpoint
  readonly properties: Properties
  /** The status of the first call of the kind. The others are in the same class: 4xx, 5xx, or no error. */
  readonly statusCode: number
  readonly aborted: boolean
  /** The series table that counted the kind last, and the number that its dimensions have there. */
  table: object | undefined
  dimension: number
}
