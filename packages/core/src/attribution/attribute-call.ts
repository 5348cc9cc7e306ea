import type { Diagnostics } from '../diagnostics.ts'
import { type AwaitingSettings, createAwaitedAnswers } from './awaited-answers.ts'
import type { HeldCall } from './held-calls.ts'
import { IdentifyFailure, isNobody, isThenable, type UnattributedReason } from './identify.ts'
import { type Identity, usableIdentity } from './identity.ts'
import { createFailureTeller } from './tell-failures.ts'

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

export function createAttribution(settings: AttributionSettings): Attribution {
  const { count } = settings
  const tell = createFailureTeller(settings)
  const unattributed: Record<UnattributedReason, number> = {
    anonymous: 0,
    invalid: 0,
    threw: 0,
    rejected: 0,
    timedOut: 0,
    overloaded: 0,
  }
  const awaited = createAwaitedAnswers(settings, (answer, kinds) => {
    const owner = ownerIn(answer)
    for (const { call, times } of kinds) conclude(owner, call, times)
  })

  function conclude(owner: Identity | IdentifyFailure | undefined, call: HeldCall, times: number): void {
    if (owner === undefined) unattributed.anonymous += times
    else if (owner instanceof IdentifyFailure) refuse(owner, times)
    else count(owner, call, times)
  }

  function refuse({ reason, error }: IdentifyFailure, times: number): void {
    unattributed[reason] += times
    tell(reason, times, error)
  }

  return {
    attribute(answer, call) {
      try {
        if (!isThenable(answer)) return conclude(ownerIn(answer), call, 1)
        if (!awaited.hold(answer, call)) refuse(new IdentifyFailure('overloaded'), 1)
      } catch (error) {
        refuse(new IdentifyFailure('invalid', error), 1)
      }
    },
    settled: awaited.settled,
    stats: () => ({ pending: awaited.pending, unattributed: { ...unattributed } }),
  }
}

/** Who an answer names: an identity, nobody, or why neither. Never throws, although an answer may have getters that do. */
function ownerIn(answer: unknown): Identity | IdentifyFailure | undefined {
  if (isNobody(answer)) return undefined
  try {
    if (answer instanceof IdentifyFailure) return answer
    return usableIdentity(answer) ?? new IdentifyFailure('invalid')
  } catch (error) {
    return new IdentifyFailure('invalid', error)
  }
}
