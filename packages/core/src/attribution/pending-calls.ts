import type { Clock } from '../clock.ts'
import type { CountedCall, MeasuredValue } from '../model/counted-call.ts'
import { createDeadlines } from './deadlines.ts'
import { IdentifyFailure } from './identify.ts'
import { isLookup } from './identity-cache.ts'

/** Calls that are counted under the same numbers. */
interface CallGroup {
  /** The first call, with the sums of what was measured of all of them. */
  call: CountedCall
  times: number
}

/** Limit of the linear search, which starts at the newest group because a caller repeats itself. */
const maxGroups = 1_000

/**
 * Adds a call to the group of its kind, so that a slow `identify` takes no more memory however many calls wait for it.
 *
 * @param hasRoom whether a group may be added
 * @returns `full` if the call matches no group and none could be added
 */
function addToGroup(groups: CallGroup[], call: CountedCall, hasRoom: boolean): 'joined' | 'added' | 'full' {
  for (let index = groups.length - 1; index >= 0; index--) {
    const group = groups[index] as CallGroup
    if (!isSameKind(group.call, call)) continue
    group.times += 1
    if (call.measures !== undefined)
      group.call = { ...call, measures: sumOf(group.call.measures, call.measures) }
    return 'joined'
  }
  if (!hasRoom || groups.length >= maxGroups) return 'full'
  groups.push({ call, times: 1 })
  return 'added'
}

function sumOf(
  sums: readonly MeasuredValue[] = [],
  added: readonly MeasuredValue[],
): readonly MeasuredValue[] {
  const byInstrument = new Map(sums.map(({ instrument, value }) => [instrument, value]))
  for (const { instrument, value } of added) {
    byInstrument.set(instrument, (byInstrument.get(instrument) ?? 0) + value)
  }
  return Array.from(byInstrument, ([instrument, value]) => ({ instrument, value }))
}

function isSameKind(a: CountedCall, b: CountedCall): boolean {
  return (
    a.endpoint.route === b.endpoint.route &&
    a.endpoint.method === b.endpoint.method &&
    errorClass(a.statusCode) === errorClass(b.statusCode) &&
    a.aborted === b.aborted &&
    a.properties === b.properties &&
    a.day === b.day
  )
}

/** 4xx and 5xx are counted separately, all other statuses together. */
export function errorClass(statusCode: number): number {
  return statusCode < 400 ? 0 : statusCode < 500 ? 4 : 5
}

/** Holds calls whose `identify` returned a promise until the promise settles. */
export interface PendingCalls {
  /**
   * Holds a call until the promise settles or is given up. Calls with the same promise wait together.
   *
   * @returns whether there was room for it
   */
  hold(promise: PromiseLike<unknown>, call: CountedCall): boolean
  /** Resolves when no call waits, at the latest when the last promise is given up. */
  settled(): Promise<void>
  /** Number of calls that wait. */
  readonly size: number
}

export interface PendingCallsSettings {
  clock: Clock
  /** How long px-usage waits for a promise of `identify`, from the first call with that promise on. */
  timeoutMs: number
  /** The same for a lookup of `identifyBy`, which gives up by itself and sooner. */
  lookupTimeoutMs: number
  /** How many groups of calls may wait at the same time. */
  maxPending: number
}

interface Waiting {
  readonly promise: PromiseLike<unknown>
  readonly groups: CallGroup[]
  calls: number
}

/**
 * Creates the holder of calls without an identity yet.
 *
 * @param conclude called once for each promise, with the value or an `IdentifyFailure` and the calls that waited for it
 */
export function createPendingCalls(
  { clock, timeoutMs, lookupTimeoutMs, maxPending }: PendingCallsSettings,
  conclude: (result: unknown, groups: readonly CallGroup[]) => void,
): PendingCalls {
  const waitingFor = new Map<PromiseLike<unknown>, Waiting>()
  const giveUp = (waiting: Waiting) => settle(waiting, new IdentifyFailure('timedOut'))
  const ofPromises = createDeadlines(clock, timeoutMs, giveUp)
  const ofLookups = createDeadlines(clock, lookupTimeoutMs, giveUp)
  const resumes = new Set<() => void>()
  let pendingCalls = 0
  let pendingGroups = 0

  function deadlinesOf({ promise }: Waiting) {
    return isLookup(promise) ? ofLookups : ofPromises
  }

  function settle(waiting: Waiting, result: unknown): void {
    // The promise was given up and settles now, or it is a thenable that resolves twice.
    if (waitingFor.get(waiting.promise) !== waiting) return
    waitingFor.delete(waiting.promise)
    deadlinesOf(waiting).delete(waiting)
    pendingCalls -= waiting.calls
    pendingGroups -= waiting.groups.length
    conclude(result, waiting.groups)
    if (waitingFor.size > 0) return
    for (const resume of resumes) resume()
    resumes.clear()
  }

  function startWaiting(promise: PromiseLike<unknown>): Waiting {
    const waiting: Waiting = { promise, groups: [], calls: 0 }
    Promise.resolve(promise).then(
      (result) => settle(waiting, result),
      (error: unknown) => settle(waiting, new IdentifyFailure('rejected', error)),
    )
    waitingFor.set(promise, waiting)
    deadlinesOf(waiting).add(waiting)
    return waiting
  }

  return {
    hold(promise, call) {
      const known = waitingFor.get(promise)
      if (pendingGroups >= maxPending && known === undefined) {
        // No other code handles this promise, so its rejection would crash the process as an unhandled one.
        Promise.resolve(promise).then(undefined, () => {})
        return false
      }
      const waiting = known ?? startWaiting(promise)
      const held = addToGroup(waiting.groups, call, pendingGroups < maxPending)
      if (held === 'full') return false
      if (held === 'added') pendingGroups += 1
      waiting.calls += 1
      pendingCalls += 1
      return true
    },

    settled() {
      if (waitingFor.size === 0) return Promise.resolve()
      return new Promise((resolve) => resumes.add(resolve))
    },

    get size() {
      return pendingCalls
    },
  }
}
