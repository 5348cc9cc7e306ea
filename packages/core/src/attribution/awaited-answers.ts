import type { Clock } from '../clock.ts'
import { createDeadlines } from './deadlines.ts'
import { type HeldCall, type HeldKind, hold } from './held-calls.ts'
import { IdentifyFailure } from './identify.ts'
import { isLookup } from './identity-cache.ts'

/** Calls that wait for a promised answer. */
export interface AwaitedAnswers {
  /**
   * Holds the call until the answer comes or is given up; calls with one and the same promise wait together.
   *
   * @returns whether there was room for it
   */
  hold(answer: PromiseLike<unknown>, call: HeldCall): boolean
  /** Resolves when no answer is awaited any more, at the latest when the last one is given up. */
  settled(): Promise<void>
  /** Calls that wait. */
  readonly pending: number
}

export interface AwaitingSettings {
  clock: Clock
  /** How long a promise of `identify` is awaited, from the first call on that it is the answer for. */
  timeoutMs: number
  /** The same for a lookup of `identifyBy`, which gives up by itself and sooner. */
  lookupTimeoutMs: number
  /** How many kinds of calls may wait at the same time. */
  maxPending: number
}

interface Waiting {
  readonly answer: PromiseLike<unknown>
  readonly kinds: HeldKind[]
  calls: number
}

/** @param conclude gets what was answered, or an `IdentifyFailure`, with the calls that waited for it: once for each call */
export function createAwaitedAnswers(
  { clock, timeoutMs, lookupTimeoutMs, maxPending }: AwaitingSettings,
  conclude: (answer: unknown, kinds: readonly HeldKind[]) => void,
): AwaitedAnswers {
  const awaited = new Map<PromiseLike<unknown>, Waiting>()
  const giveUp = (waiting: Waiting) => settle(waiting, new IdentifyFailure('timedOut'))
  const ofPromises = createDeadlines(clock, timeoutMs, giveUp)
  const ofLookups = createDeadlines(clock, lookupTimeoutMs, giveUp)
  const resumes = new Set<() => void>()
  let pending = 0
  let pendingKinds = 0

  function deadlinesOf({ answer }: Waiting) {
    return isLookup(answer) ? ofLookups : ofPromises
  }

  function settle(waiting: Waiting, answer: unknown): void {
    // Given up, and answered now; or a thenable that answers twice.
    if (awaited.get(waiting.answer) !== waiting) return
    awaited.delete(waiting.answer)
    deadlinesOf(waiting).delete(waiting)
    pending -= waiting.calls
    pendingKinds -= waiting.kinds.length
    conclude(answer, waiting.kinds)
    if (awaited.size > 0) return
    for (const resume of resumes) resume()
    resumes.clear()
  }

  function startWaiting(answer: PromiseLike<unknown>): Waiting {
    const waiting: Waiting = { answer, kinds: [], calls: 0 }
    Promise.resolve(answer).then(
      (answered) => settle(waiting, answered),
      (error: unknown) => settle(waiting, new IdentifyFailure('rejected', error)),
    )
    awaited.set(answer, waiting)
    deadlinesOf(waiting).add(waiting)
    return waiting
  }

  return {
    hold(answer, call) {
      const known = awaited.get(answer)
      if (pendingKinds >= maxPending && known === undefined) {
        // Nobody listens to this promise any more, so a rejection of it must not become an unhandled one.
        Promise.resolve(answer).then(undefined, () => {})
        return false
      }
      const waiting = known ?? startWaiting(answer)
      const held = hold(waiting.kinds, call, pendingKinds < maxPending)
      if (held === 'full') return false
      if (held === 'added') pendingKinds += 1
      waiting.calls += 1
      pending += 1
      return true
    },

    settled() {
      if (awaited.size === 0) return Promise.resolve()
      return new Promise((resolve) => resumes.add(resolve))
    },

    get pending() {
      return pending
    },
  }
}
