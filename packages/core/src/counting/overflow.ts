import { overflowId } from '../attribution/identity.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Identity } from '../model/identity.ts'

/** The endpoint that replaces an identity's further endpoints beyond the limit. Detail is lost, the totals are exact. */
export const overflowEndpoint: Endpoint = Object.freeze({ method: '(overflow)', route: '(overflow)' })

/**
 * Returns the identity that replaces a user beyond the limit: the user `(overflow)` of the same account, so that the totals of
 * every account stay exact. PX shows it as one user with that id. Beyond the limit of accounts, the account is `(overflow)` too.
 *
 * It cannot be confused with a user: an app's own id of that text is replaced (see `usableIdentity`).
 */
export function overflowUser(accountId: string | undefined): Identity {
  return accountId === undefined ? { userId: overflowId } : { userId: overflowId, accountId }
}

/** The user `(overflow)` of the account `(overflow)`. */
export const overflowAccountUser: Identity = Object.freeze(overflowUser(overflowId))

/** The detail that was folded to keep the limits. Totals are never folded. */
export type Fold = 'endpoints' | 'properties' | 'users' | 'accounts'

/** Number of calls that were counted with less detail, by the detail that was folded. */
export type Folded = Record<Fold, number>

/**
 * Limits of the series of one usage day that this process has in memory. With a durable store, series without a call for 15
 * minutes are released from memory (see idle-series.ts), until the day folds for the first time.
 */
export interface SeriesLimits {
  /** Limit of series. Beyond it a new endpoint is counted as `(overflow)` of its user. */
  series: number
  /** Limit of series of one identity that have an endpoint. Beyond it new endpoints are counted as `(overflow)`. */
  endpointsPerIdentity: number
  /** Limit of different property sets. Beyond it a new set is counted under the meter's own properties. */
  propertySets: number
  /** Limit of users, and of accounts with a user `(overflow)`. Beyond it a new user is counted as `(overflow)` of the account. */
  users: number
}

/** The text of `PXU_WRN_COUNTING_SATURATED`. */
export const saturationWarning =
  'A number reached 2^53 - 1, the largest exact integer, and stays there. Count in a larger unit.'
