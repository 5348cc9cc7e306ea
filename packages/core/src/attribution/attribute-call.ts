import type { Diagnostics } from '../diagnostics.ts'
import type { CountedCall } from '../model/counted-call.ts'
import type { Identity } from '../model/identity.ts'
import { IdentifyFailure, isNoIdentity, isThenable, type UnattributedReason } from './identify.ts'
import { identityFault, keysWithoutAccount, usableIdentity } from './identity.ts'
import { createPendingCalls, type PendingCallsSettings } from './pending-calls.ts'
import { createUnattributed } from './unattributed.ts'

export interface AttributionStats {
  /** Calls whose `identify` has not returned or resolved yet. */
  pending: number
  unattributed: Record<UnattributedReason, number>
}

export interface Attribution {
  /** Counts the call under the identity in `result`, at once or when the promise in it resolves. Never throws. */
  attribute(result: unknown, call: CountedCall): void
  /** Resolves when no call waits for its identity. */
  settled(): Promise<void>
  stats(): AttributionStats
}

export interface AttributionSettings extends PendingCallsSettings {
  diagnostics: Diagnostics
  /** Counts `times` calls of this kind under an identity. */
  count(identity: Identity, call: CountedCall, times: number): void
}

/** Only the first identities without an account are checked for stray keys, because the check takes time. */
const maxKeyChecks = 1_000

/** Creates the part of a meter that finds the identity of each call and counts the calls that have none by reason. */
export function createAttribution(settings: AttributionSettings): Attribution {
  const { count, diagnostics } = settings
  let hasUsers = false
  let keyChecks = 0
  const unattributed = createUnattributed(diagnostics, () => hasUsers)
  const pendingCalls = createPendingCalls(settings, (result, groups) => {
    const identity = identityIn(result)
    for (const { call, times } of groups) conclude(identity, call, times)
  })

  /** Returns the identity in a result, `undefined` for an anonymous call, or the failure. Never throws, even if a getter does. */
  function identityIn(result: unknown): Identity | IdentifyFailure | undefined {
    if (isNoIdentity(result)) return undefined
    try {
      const identity = usableIdentity(result)
      if (identity === undefined) {
        if (result instanceof IdentifyFailure) return result
        return new IdentifyFailure('invalid', undefined, identityFault(result))
      }
      if (identity.accountId === undefined && keyChecks < maxKeyChecks) checkKeys(result as object)
      return identity
    } catch (error) {
      return new IdentifyFailure('invalid', error, identityFault(result))
    }
  }

  function checkKeys(result: object): void {
    keyChecks += 1
    const keys = keysWithoutAccount(result)
    if (keys === undefined) return
    keyChecks = maxKeyChecks
    diagnostics.warn(
      'PXU_WRN_ATTRIBUTION_UNKNOWN_KEYS',
      `identify() returned an identity without accountId (its keys: ${keys}), so its calls count without an account. Return { userId, accountId }, or only { userId } where there is no account.`,
    )
  }

  function conclude(
    identity: Identity | IdentifyFailure | undefined,
    call: CountedCall,
    times: number,
  ): void {
    if (identity === undefined) unattributed.anonymous(times)
    else if (identity instanceof IdentifyFailure) unattributed.failed(identity, times)
    else {
      hasUsers = true
      count(identity, call, times)
    }
  }

  return {
    attribute(result, call) {
      try {
        if (!isThenable(result)) return conclude(identityIn(result), call, 1)
        if (!pendingCalls.hold(result, call)) unattributed.failed(new IdentifyFailure('overloaded'), 1)
      } catch (error) {
        unattributed.failed(new IdentifyFailure('invalid', error, identityFault(result)), 1)
      }
    },
    settled: pendingCalls.settled,
    stats: () => ({ pending: pendingCalls.size, unattributed: unattributed.counts() }),
  }
}
