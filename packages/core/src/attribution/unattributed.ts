import { type Diagnostics, ReportedSubjects } from '../diagnostics.ts'
import type { IdentifyFailure, UnattributedReason } from './identify.ts'

type Failure = Exclude<UnattributedReason, 'anonymous'>

/** Counts calls that belong to no user by reason, and reports them. */
export interface Unattributed {
  anonymous(times: number): void
  failed(failure: IdentifyFailure, times: number): void
  counts(): Record<UnattributedReason, number>
}

/** If this many calls are all anonymous, the middleware most likely runs where the user is not known. */
const fewestAnonymous = 100
const maxFaults = 10

/** @param hasUsers returns whether any call had an identity so far */
export function createUnattributed(diagnostics: Diagnostics, hasUsers: () => boolean): Unattributed {
  const counts: Record<UnattributedReason, number> = {
    anonymous: 0,
    invalid: 0,
    threw: 0,
    rejected: 0,
    timedOut: 0,
    overloaded: 0,
  }
  /** The last error of each reason. It becomes the cause of later failures that came from the cache without an error. */
  const lastErrors: Partial<Record<Failure, unknown>> = {}
  const faults = new ReportedSubjects(maxFaults)
  let isAnonymousReported = false

  /** Returns the kind under which a fault is throttled. Each fault has its own remedy, but an app may create endless faults. */
  function kindOf(reason: Failure, fault: string | undefined): string {
    if (fault === undefined) return reason
    faults.add(fault)
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
        `The first ${counts.anonymous} calls were all anonymous: identify() returned nothing for each of them, so they do not appear in any user's totals. Check that identify() reads the user from where your authentication stores it.`,
      )
    },

    failed({ reason: given, error, fault }, times) {
      // The failure may come from another version of px-usage, with a reason that this one does not know.
      const reason = Object.hasOwn(explanations, given) ? given : 'invalid'
      counts[reason] += times
      diagnostics.publish('attribution:failed', { reason, times, error })
      if (error !== undefined) lastErrors[reason] = error
      const message = explanations[reason](fault ?? 'something that is not an identity')
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
    `identify() returned ${fault}. ${consequence} Return { userId, accountId? } with non-empty strings, finite numbers or bigints (convert objects to text: String(user._id)), or nothing for an anonymous call.`,
  threw: () => `identify() threw. ${consequence} The cause of this error is the original error.`,
  rejected: () =>
    `The promise of identify() was rejected. ${consequence} The cause of this error is the reason.`,
  timedOut: () =>
    `identify() did not return in time. ${consequence} Return faster, or raise identifyTimeoutMs (with identifyBy: timeoutMs).`,
  overloaded: () =>
    `Too many calls wait for identify(). ${consequence} Cache the lookup with identifyBy(), or return synchronously.`,
}
