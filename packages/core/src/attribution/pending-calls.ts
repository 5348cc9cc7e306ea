import type { Clock } from '../clock.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Properties, UsageDay } from '../model/series.ts'
import { createDeadlines } from './deadlines.ts'
import { IdentifyFailure } from './identify.ts'
import { isLookup } from './identity-cache.ts'

/** What is known of a finished call beside who made it. */
export interface HeldCall {
  /** The usage day in which it finished: a late answer does not move it. */
  readonly day: UsageDay
  readonly endpoint: Endpoint
  readonly properties: Properties
  readonly statusCode: number
  readonly aborted: boolean
}

/** Calls that are counted under the same numbers. */
export interface HeldKind {
  readonly call: HeldCall
  times: number
}

/** Searched from the newest, as a caller repeats itself; beyond it the search would be felt. */
const maxKinds = 1_000

/**
 * Holds one more call among `kinds`: calls of one kind are one number, so that an answer which is long in coming takes no
 * more memory however many calls wait for it.
 *
 * @param hasRoom whether a kind may be added
 * @returns `full` if it is of no kind among them and none could be added
 */
function hold(kinds: HeldKind[], call: HeldCall, hasRoom: boolean): 'joined' | 'added' | 'full' {
  for (let index = kinds.length - 1; index >= 0; index--) {
    const kind = kinds[index] as HeldKind
    if (!isSameKind(kind.call, call)) continue
    kind.times += 1
    return 'joined'
  }
  if (!hasRoom || kinds.length >= maxKinds) return 'full'
  kinds.push({ call, times: 1 })
  return 'added'
}

function isSameKind(a: HeldCall, b: HeldCall): boolean {
  return (
    a.endpoint.route === b.endpoint.route &&
    a.endpoint.method === b.endpoint.method &&
    errorClass(a.statusCode) === errorClass(b.statusCode) &&
    a.aborted === b.aborted &&
    a.properties === b.properties &&
    a.day === b.day
  )
}

/** 4 and 5 are counted apart, all others alike. */
function errorClass(statusCode: number): number {
  return statusCode < 400 ? 0 : statusCode < 500 ? 4 : 5
}

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
        // No code listens to this promise any more, so a rejection of it must not become an unhandled one.
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
