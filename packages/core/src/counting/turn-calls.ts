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

interface Columns {
  readonly userIds: string[]
  readonly accountIds: Array<string | undefined>
  readonly kinds: CallKind[]
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
  let columns = createColumns()
  /** The columns that are not in use. While calls are counted there are none, and the app may add a call that a warning made it count. */
  let spare: Columns | undefined = createColumns()
  let day: UsageDay = ''
  let waiting = 0

  function count(): void {
    if (waiting === 0) return
    const length = waiting
    const counted = columns
    columns = spare ?? createColumns()
    spare = undefined
    waiting = 0
    try {
      countAll(day, { length, ...counted })
    } finally {
      // An id may be a view into a long text, which would stay in memory.
      counted.userIds.fill('', 0, length)
      counted.accountIds.fill(undefined, 0, length)
      spare = counted
    }
  }

  return {
    add(ofDay, userId, accountId, kind) {
      if (waiting === maxWaiting || ofDay !== day) {
        count()
        day = ofDay
      }
      columns.userIds[waiting] = userId
      columns.accountIds[waiting] = accountId
      columns.kinds[waiting] = kind
      waiting += 1
    },
    count,
  }
}

function createColumns(): Columns {
  return {
    userIds: new Array<string>(maxWaiting).fill(''),
    accountIds: new Array<string | undefined>(maxWaiting).fill(undefined),
    kinds: new Array<CallKind>(maxWaiting),
  }
}
