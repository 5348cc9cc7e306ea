import type { Diagnostics } from '../diagnostics.ts'
import type { CallKind } from '../model/call-kind.ts'
import type { CountedCall, MeasuredValue } from '../model/counted-call.ts'
import type { Identity } from '../model/identity.ts'
import type { UsageDay } from '../model/series.ts'
import { IdentifyFailure, isNoIdentity, isThenable, type UnattributedReason } from './identify.ts'
import { type IdentityInput, identityFault, keysWithoutAccount, plainId, usableIdentity } from './identity.ts'
import { createPendingCalls, type PendingCallsSettings } from './pending-calls.ts'
import { createUnattributed } from './unattributed.ts'

export interface AttributionStats {
  /** Calls whose `identify` has not returned or resolved yet. */
  pending: number
  unattributed: Record<UnattributedReason, number>
}

export interface Attribution {
  /**
   * Counts a call under the identity in `result`, at once or when the promise in it resolves. Never throws.
   *
   * @param measures what the app measured of it
   */
  attribute(result: unknown, kind: CallKind, measures?: readonly MeasuredValue[]): void
  /** Resolves when no call waits for its identity. */
  settled(): Promise<void>
  stats(): AttributionStats
}

export interface AttributionSettings extends PendingCallsSettings {
  diagnostics: Diagnostics
  today(): UsageDay
  /** Counts `times` calls of this kind under an identity. */
  count(identity: Identity, call: CountedCall, times: number): void
  /** Counts one call under ids that need not be usable yet. */
  countOne(userId: string, accountId: string | undefined, kind: CallKind): void
}

/** Only the first identities without an account are checked for stray keys, because the check takes time. */
const maxKeyChecks = 1_000

/** Creates the part of a meter that finds the identity of each call and counts the calls that have none by reason. */
export function createAttribution(settings: AttributionSettings): Attribution {
  const { count, countOne, diagnostics, today } = settings
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

  /** Counts a call whose identity is an object with plain ids, as most are. @returns whether it is one */
  function countPlain(result: unknown, kind: CallKind): boolean {
    if (typeof result !== 'object' || result === null) return false
    const { userId: givenUser, accountId: givenAccount } = result as Partial<IdentityInput>
    const userId = plainId(givenUser)
    const accountId = plainId(givenAccount)
    if (userId === undefined) return false
    if (accountId === undefined && (givenAccount !== undefined || keyChecks < maxKeyChecks)) return false
    hasUsers = true
    countOne(userId, accountId, kind)
    return true
  }

  function toCounted(
    { endpoint, properties, statusCode, aborted }: CallKind,
    measures?: readonly MeasuredValue[],
  ): CountedCall {
    return { day: today(), endpoint, properties, statusCode, aborted, measures }
  }

  return {
    attribute(result, kind, measures) {
      try {
        if (!isThenable(result)) {
          if (measures !== undefined || !countPlain(result, kind))
            conclude(identityIn(result), toCounted(kind, measures), 1)
        } else if (!pendingCalls.hold(result, toCounted(kind, measures)))
          unattributed.failed(new IdentifyFailure('overloaded'), 1)
      } catch (error) {
        unattributed.failed(new IdentifyFailure('invalid', error, identityFault(result)), 1)
      }
    },
    settled: pendingCalls.settled,
    stats: () => ({ pending: pendingCalls.size, unattributed: unattributed.counts() }),
  }
}
