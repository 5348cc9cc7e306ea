import type { CallKind } from '../model/call-kind.ts'
import type { UsageDay } from '../model/series.ts'

/** Calls of one day that wait to be counted, in columns. */
export interface WaitingCalls {
  readonly length: number
  readonly userIds: readonly string[]
  readonly accountIds: ReadonlyArray<string | undefined>
  readonly kinds: readonly CallKind[]
}

/** Collects the calls that finished in this turn of the event loop, to count them together. */
export interface TurnCalls {
  /** Adds a call with ids that are not checked yet. */
  add(day: UsageDay, userId: string, accountId: string | undefined, kind: CallKind): void
  /** Counts the collected calls in their order. */
  count(): void
}

/** When this many calls wait, they are counted before the turn ends. */
export const maxWaiting = 1_024

/**
 * Creates the collector. Between single calls Node and the app run and displace the code and the table from the caches of the
 * processor. Counted one by one, a call of a server took three times as long as a call in a loop.
 *
 * @param countAll counts calls of one day
 */
export function createTurnCalls(countAll: (day: UsageDay, calls: WaitingCalls) => void): TurnCalls {
  const userIds = new Array<string>(maxWaiting).fill('')
  const accountIds = new Array<string | undefined>(maxWaiting).fill(undefined)
  const kinds = new Array<CallKind>(maxWaiting)
  let day: UsageDay = ''
  let waiting = 0

  function count(): void {
    if (waiting === 0) return
    const length = waiting
    waiting = 0
    countAll(day, { length, userIds, accountIds, kinds })
    // An id may be a view into a long text, which would stay in memory.
    userIds.fill('', 0, length)
    accountIds.fill(undefined, 0, length)
  }

  return {
    add(ofDay, userId, accountId, kind) {
      if (waiting === maxWaiting || ofDay !== day) {
        count()
        day = ofDay
      }
      userIds[waiting] = userId
      accountIds[waiting] = accountId
      kinds[waiting] = kind
      waiting += 1
    },
    count,
  }
}
