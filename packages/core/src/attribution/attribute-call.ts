import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { UsageError } from '../errors.ts'
import { type GivenIdentity, type Identity, usableIdentity } from './identity.ts'

/** Why a call has no identity. `anonymous`: the app said so. All others are worth a look. */
export type UnattributedReason = 'anonymous' | 'invalid' | 'threw' | 'rejected' | 'timedOut' | 'overloaded'

type Nobody = null | undefined | false | '' | 0

/** The app's callback that names the caller of a request. Asked once the response has finished. */
export type Identify<Source> = (
  source: Source,
) => GivenIdentity | Nobody | PromiseLike<GivenIdentity | Nobody | undefined>

/** What `identify` answered, or that it threw. */
export type IdentifyAnswer = ReturnType<Identify<unknown>> | IdentifyFailure

class IdentifyFailure {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

/** Asks the app who called. Never throws: a throw becomes an answer of its own. */
export function askIdentify<Source>(identify: Identify<Source>, source: Source): IdentifyAnswer {
  try {
    return identify(source)
  } catch (error) {
    return new IdentifyFailure(error)
  }
}

export interface AttributionStats {
  /** Calls whose `identify` has not answered yet. */
  pending: number
  unattributed: Record<UnattributedReason, number>
}

export interface Attribution<Held> {
  /** Counts `held` under the identity in `answer`: at once, or when the promise in it answers. Never throws. */
  attribute(answer: unknown, held: Held): void
  /** Resolves when no answer is awaited any more, at the latest `timeoutMs` after the last call. */
  settled(): Promise<void>
  stats(): AttributionStats
}

export interface AttributionSettings<Held> {
  clock: Clock
  diagnostics: Diagnostics
  /** How long an answer is awaited. */
  timeoutMs: number
  /** How many answers are awaited at the same time; a call beyond them is counted as `overloaded`. */
  maxPending: number
  count(identity: Identity, held: Held): void
}

export function createAttribution<Held>(settings: AttributionSettings<Held>): Attribution<Held> {
  const { clock, diagnostics, timeoutMs, maxPending, count } = settings
  const unattributed: Record<UnattributedReason, number> = {
    anonymous: 0,
    invalid: 0,
    threw: 0,
    rejected: 0,
    timedOut: 0,
    overloaded: 0,
  }
  const waiting = new Set<() => void>()
  let pending = 0

  function refuse(reason: UnattributedReason, error?: unknown): void {
    unattributed[reason] += 1
    if (reason === 'anonymous') return
    diagnostics.publish('attribution:failed', { reason, error })
    // The first of each kind is told; the rest is in stats().
    if (unattributed[reason] > 1) return
    const cause = error === undefined ? {} : { cause: error }
    diagnostics.error(new UsageError('PXU_ERR_ATTRIBUTION_FAILED', explanations[reason], cause))
  }

  /** Never throws, although an answer may have getters that do. */
  function attributeNow(answer: unknown, held: Held): void {
    let identity: Identity | undefined
    try {
      identity = usableIdentity(answer)
    } catch (error) {
      refuse('invalid', error)
      return
    }
    if (identity !== undefined) count(identity, held)
    else refuse(isNobody(answer) ? 'anonymous' : 'invalid')
  }

  function attributeLater(answer: Promise<unknown>, held: Held): void {
    if (pending >= maxPending) {
      // Nobody listens to this promise any more, so a rejection of it must not become an unhandled one.
      answer.catch(() => {})
      refuse('overloaded')
      return
    }
    pending += 1
    let over = false
    const settle = (conclude: () => void) => {
      if (over) return
      over = true
      cancel()
      pending -= 1
      conclude()
      if (pending === 0) for (const resume of waiting) resume()
    }
    const cancel = clock.setTimer(() => settle(() => refuse('timedOut')), timeoutMs)
    answer.then(
      (answered) => settle(() => attributeNow(answered, held)),
      (error: unknown) => settle(() => refuse('rejected', error)),
    )
  }

  return {
    attribute(answer, held) {
      try {
        if (answer instanceof IdentifyFailure) refuse('threw', answer.error)
        else if (isThenable(answer)) attributeLater(Promise.resolve(answer), held)
        else attributeNow(answer, held)
      } catch (error) {
        refuse('invalid', error)
      }
    },
    settled() {
      if (pending === 0) return Promise.resolve()
      return new Promise((resolve) => {
        const resume = () => {
          waiting.delete(resume)
          resolve()
        }
        waiting.add(resume)
      })
    },
    stats: () => ({ pending, unattributed: { ...unattributed } }),
  }
}

const explanations: Record<Exclude<UnattributedReason, 'anonymous'>, string> = {
  invalid:
    'identify() answered something that is no identity, so the call was counted for nobody. Expected { userId, accountId? } with non-empty strings or finite numbers, or nothing for an anonymous call.',
  threw: 'identify() threw, so the call was counted for nobody. The error is the cause of this one.',
  rejected:
    'The promise of identify() was rejected, so the call was counted for nobody. The reason is the cause of this error.',
  timedOut:
    'identify() did not answer in time, so the call was counted for nobody. Answer faster, or raise `identifyTimeoutMs`.',
  overloaded:
    'Too many calls wait for identify(), so this one was counted for nobody. Cache the lookup, or answer synchronously.',
}

function isNobody(answer: unknown): answer is Nobody {
  return answer === undefined || answer === null || answer === false || answer === '' || answer === 0
}

function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  const mayHaveThen = typeof answer === 'function' || (typeof answer === 'object' && answer !== null)
  return mayHaveThen && typeof (answer as { then?: unknown }).then === 'function'
}
