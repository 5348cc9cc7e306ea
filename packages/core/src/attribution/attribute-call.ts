import type { Diagnostics } from '../diagnostics.ts'
import type { Identity } from '../model/identity.ts'
import { IdentifyFailure, isNoIdentity, isThenable, type UnattributedReason } from './identify.ts'
import { identityFault, keysWithoutAccount, usableIdentity } from './identity.ts'
import { type AwaitingSettings, createAwaitedAnswers, type HeldCall } from './pending-calls.ts'
import { createUnattributed } from './unattributed.ts'

export interface AttributionStats {
  /** Calls whose `identify` has not answered yet. */
  pending: number
  unattributed: Record<UnattributedReason, number>
}

export interface Attribution {
  /** Counts the call under the identity in `answer`: at once, or when the promise in it answers. Never throws. */
  attribute(answer: unknown, call: HeldCall): void
  /** Resolves when no answer is awaited any more. */
  settled(): Promise<void>
  stats(): AttributionStats
}

export interface AttributionSettings extends AwaitingSettings {
  diagnostics: Diagnostics
  /** `times` such calls have an owner now. */
  count(identity: Identity, call: HeldCall, times: number): void
}

/** Stray keys are looked for in the identities of the first calls without an account: the check is not free. */
const maxKeyChecks = 1_000

export function createAttribution(settings: AttributionSettings): Attribution {
  const { count, diagnostics } = settings
  let hasUsers = false
  let keyChecks = 0
  const unattributed = createUnattributed(diagnostics, () => hasUsers)
  const awaited = createAwaitedAnswers(settings, (answer, kinds) => {
    const owner = ownerIn(answer)
    for (const { call, times } of kinds) conclude(owner, call, times)
  })

  /** Whom an answer names: an identity, no user, or why neither. Never throws, although an answer may have getters that do. */
  function ownerIn(answer: unknown): Identity | IdentifyFailure | undefined {
    if (isNoIdentity(answer)) return undefined
    try {
      const owner = usableIdentity(answer)
      if (owner === undefined) {
        if (answer instanceof IdentifyFailure) return answer
        return new IdentifyFailure('invalid', undefined, identityFault(answer))
      }
      if (owner.accountId === undefined && keyChecks < maxKeyChecks) checkKeys(answer as object)
      return owner
    } catch (error) {
      return new IdentifyFailure('invalid', error, identityFault(answer))
    }
  }

  function checkKeys(answer: object): void {
    keyChecks += 1
    const keys = keysWithoutAccount(answer)
    if (keys === undefined) return
    keyChecks = maxKeyChecks
    diagnostics.warn(
      'PXU_WRN_ATTRIBUTION_UNKNOWN_KEYS',
      `identify() returned an identity without accountId (its keys: ${keys}), so its calls count without an account. Return { userId, accountId }, or only { userId } where there is no account.`,
    )
  }

  function conclude(owner: Identity | IdentifyFailure | undefined, call: HeldCall, times: number): void {
    if (owner === undefined) unattributed.anonymous(times)
    else if (owner instanceof IdentifyFailure) unattributed.failed(owner, times)
    else {
      hasUsers = true
      count(owner, call, times)
    }
  }

  return {
    attribute(answer, call) {
      try {
        if (!isThenable(answer)) return conclude(ownerIn(answer), call, 1)
        if (!awaited.hold(answer, call)) unattributed.failed(new IdentifyFailure('overloaded'), 1)
      } catch (error) {
        unattributed.failed(new IdentifyFailure('invalid', error, identityFault(answer)), 1)
      }
    },
    settled: awaited.settled,
    stats: () => ({ pending: awaited.pending, unattributed: unattributed.counts() }),
  }
}
