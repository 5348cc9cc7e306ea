import { overflowId } from '../attribution/identity.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Identity } from '../model/identity.ts'

/**
 * The endpoint under which an identity's calls are counted when there are too many: detail is lost, the totals are not.
 */
export const overflowEndpoint: Endpoint = Object.freeze({ method: '(overflow)', route: '(overflow)' })

/**
 * Who is counted in place of a user beyond the limit: the user `(overflow)` of the same account, so that the sums of every
 * account stay right. In PX it looks like one user of that id. Without an account, or with too many of them: of no account,
 * or of the account `(overflow)`.
 *
 * No user can be taken for it: an app's own id of that text is replaced (see `usableIdentity`).
 */
export function overflowUser(accountId: string | undefined): Identity {
  return accountId === undefined ? { userId: overflowId } : { userId: overflowId, accountId }
}

/** The user `(overflow)` of the account `(overflow)`. */
export const overflowAccountUser: Identity = Object.freeze(overflowUser(overflowId))

/** What was given up to keep within the limits; the totals never are. */
export type Fold = 'endpoints' | 'properties' | 'users' | 'accounts'

/** Calls that were counted with less detail, by what was given up. */
export type Folded = Record<Fold, number>

/**
 * Of one usage day, as far as this process has it in memory: with a durable store series that had no call for a quarter of an
 * hour leave it (see idle-series.ts), until the day folds for the first time.
 */
export interface SeriesLimits {
  /** Series; beyond it a new endpoint is counted as `(overflow)` of its user. */
  series: number
  /** Series of one identity that have an endpoint; beyond it new ones are counted as `(overflow)`. */
  endpointsPerIdentity: number
  /** Different sets of properties; beyond it a new one is counted under the meter's own properties. */
  propertySets: number
  /** Users; beyond it a new one is counted as the user `(overflow)` of the account. As many accounts may have such a user. */
  users: number
}

/** The warning of a number that would have passed 2^53 - 1. */
export const saturationWarning =
  'A number reached 2^53 - 1, beyond which it cannot be exact, and stays there. Count in a larger unit.'
