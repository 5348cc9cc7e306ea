import type { Diagnostics } from '../diagnostics.ts'
import type { IdentifyFailure, UnattributedReason } from './identify.ts'

type Failure = Exclude<UnattributedReason, 'anonymous'>

/** Calls that belong to no user: counted by reason, and reported. */
export interface Unattributed {
  anonymous(times: number): void
  failed(failure: IdentifyFailure, times: number): void
  counts(): Record<UnattributedReason, number>
}

/** An app of which all calls are anonymous has most likely mounted the middleware where no user is known. */
const fewestAnonymous = 100
const maxFaults = 10

/** @param hasUsers whether any call had an identity so far */
export function createUnattributed(diagnostics: Diagnostics, hasUsers: () => boolean): Unattributed {
  const counts: Record<UnattributedReason, number> = {
    anonymous: 0,
    invalid: 0,
    threw: 0,
    rejected: 0,
    timedOut: 0,
    overloaded: 0,
  }
  /** A failure that is remembered has no error: the last one that had is its cause. */
  const lastErrors: Partial<Record<Failure, unknown>> = {}
  const faults = new Set<string>()
  let isAnonymousReported = false

  /** Each fault has a cure of its own; beyond a few they are reported together, as an app may make endless many. */
  function kindOf(reason: Failure, fault: string | undefined): string {
    if (fault === undefined) return reason
    if (faults.size < maxFaults) faults.add(fault)
    return faults.has(fault) ? `${reason} ${fault}` : reason
  }

  function isOnlyAnonymous(): boolean {
    return !hasUsers() && Object.values(counts).every((count) => count === 0 || count === counts.anonymous)
  }

  return {
    anonymous(times) {
      counts.anonymous += times
      if (isAnonymousReported || counts.anonymous < fewestAnonymous) return
      isAnonymousReported = true
      if (!isOnlyAnonymous()) return
      diagnostics.warn(
        'PXU_WRN_ATTRIBUTION_ALL_ANONYMOUS',
        `The first ${counts.anonymous} calls were all anonymous: identify() returned nothing for each of them, so none appears in any user's totals. Look whether identify() finds the user where your authentication puts it.`,
      )
    },

    failed({ reason: given, error, fault }, times) {
      // The failure may come from another version of px-usage, with a reason that this one does not know.
      const reason = Object.hasOwn(explanations, given) ? given : 'invalid'
      counts[reason] += times
      diagnostics.publish('attribution:failed', { reason, times, error })
      if (error !== undefined) lastErrors[reason] = error
      const message = explanations[reason](fault ?? 'something that is no identity')
      const cause = lastErrors[reason]
      const kind = kindOf(reason, fault)
      diagnostics.report({ code: 'PXU_ERR_ATTRIBUTION_FAILED', message, cause }, { kind, times })
    },

    counts: () => ({ ...counts }),
  }
}

const consequence = "The call does not appear in any user's totals."

const explanations: Record<Failure, (fault: string) => string> = {
  invalid: (fault) =>
    `identify() returned ${fault}. ${consequence} Return { userId, accountId? } with non-empty strings, finite numbers or bigints (of an object its text: String(user._id)), or nothing for an anonymous call.`,
  threw: () => `identify() threw. ${consequence} The error is the cause of this one.`,
  rejected: () =>
    `The promise of identify() was rejected. ${consequence} The reason is the cause of this error.`,
  timedOut: () =>
    `identify() did not return in time. ${consequence} Return faster, or raise identifyTimeoutMs (with identifyBy: timeoutMs).`,
  overloaded: () =>
    `Too many calls wait for identify(). ${consequence} Cache the lookup with identifyBy(), or return synchronously.`,
}
