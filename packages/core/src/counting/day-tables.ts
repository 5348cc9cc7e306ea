import type { CountedCall } from '../attribution/pending-calls.ts'
import { eventLoopTurn } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { Identity } from '../model/identity.ts'
import type { CountBatch, Properties, UsageDay } from '../model/series.ts'
import type { Store } from '../model/store.ts'
import type { IdleSeries } from './idle-series.ts'
import { type Folded, type SeriesLimits, saturationWarning } from './overflow.ts'
import { createSeriesTable, type SeriesTable } from './series-table.ts'
import { createTurnCalls } from './turn-calls.ts'

/**
 * The counts of the open days in this process, on their way into the store. Series that were not called lately leave memory
 * where the store is durable: it has them, and may be told of one again.
 */
export interface DayTables {
  /** Counts finished calls of one kind, at the latest when the tables are read or stored next. */
  addCall(identity: Identity, call: CountedCall, times: number): void
  /** A day of the last century is that of a clock that is not set: its calls wait in memory for `date()`. */
  of(day: UsageDay): SeriesTable
  days(): UsageDay[]
  /** Counts what waits for a date into this day. */
  date(day: UsageDay): void
  /**
   * Hands what was counted so far to the store, day by day. On a rejection nothing is lost: the batch of a day that failed is
   * offered again next time, and what is newer stays merged in its table, so that an outage of hours costs no memory.
   */
  store(): Promise<void>
  /** Tells the store that this process is done with the day. */
  seal(day: UsageDay): Promise<void>
  /** Looks for series that were not called lately: a table that has mostly such ones leaves memory when it is stored next. */
  letIdleLeave(): void
  /** Calls that are not in the store yet. */
  unstored(): number
  /** Calls that the store has taken. */
  stored(): number
  /** Calls that the store has taken of days not sealed yet. */
  storedOpen(): number
  folded(): Folded
}

export interface DayTablesSettings {
  store: Store
  limits: SeriesLimits
  /** The meter's own properties: they remain when there are too many sets of them. */
  properties: Properties
  diagnostics: Diagnostics
  idle: IdleSeries
}

interface DayTable {
  readonly day: UsageDay
  readonly table: SeriesTable
}

interface Offered {
  batch: CountBatch
  calls: number
}

const earliestDay: UsageDay = '2001-01-01'
/** In the place of a day that is not known yet. */
const undated = ''

/** A batch is no larger, and between so many series the event loop gets its turn: a few milliseconds' work of any store. */
const sliceSize = 4_096

export function createDayTables({
  store,
  limits,
  properties,
  diagnostics,
  idle,
}: DayTablesSettings): DayTables {
  const tables = new Map<UsageDay, SeriesTable>()
  /** A table that is let go of as soon as what changed in it is stored. */
  let leaving: DayTable | undefined
  const storedByDay = new Map<UsageDay, number>()
  const folded: Folded = { endpoints: 0, properties: 0, users: 0, accounts: 0 }
  /** By day, the one batch that the store was offered and did not take yet. */
  const offered = new Map<UsageDay, Offered>()
  let sequence = 0
  let stored = 0
  let isStoring = false
  let storing = Promise.resolve()
  let storingNext: Promise<void> | undefined

  const turnCalls = createTurnCalls((identity, call, times) => {
    const { endpoint, properties, statusCode, aborted } = call
    const table = tableOf(call.day)
    table.addCall(identity, properties, endpoint.method, endpoint.route, statusCode, aborted, times)
  })

  function createTable(): SeriesTable {
    let hasFolded = false
    const table = createSeriesTable({
      limits,
      properties,
      onFold(fold, times) {
        if (!hasFolded) idle.keep(table)
        hasFolded = true
        if (folded[fold] === 0) diagnostics.publish('counting:overflow', { fold })
        folded[fold] += times
        diagnostics.warn(
          'PXU_WRN_COUNTING_OVERFLOW',
          'There are more endpoints, users or sets of properties than `limits` allows, so some calls are counted under (overflow), or without their own properties. The totals are right; stats().calls.folded tells what was folded. Name endpoints by their route template, give properties few values, or raise `limits`.',
        )
      },
      onSaturation() {
        diagnostics.warn('PXU_WRN_COUNTING_SATURATED', saturationWarning)
      },
    })
    return table
  }

  /** A store that takes the batch at once does so within this turn of the event loop, and nothing is left to await. */
  function offer(next: Offered): Promise<void> | undefined {
    offered.set(next.batch.day, next)
    const answer = store.add(next.batch)
    if (answer !== undefined) return answer.then(() => settle(next))
    settle(next)
    return undefined
  }

  function settle({ batch: { day }, calls }: Offered): void {
    offered.delete(day)
    stored += calls
    storedByDay.set(day, (storedByDay.get(day) ?? 0) + calls)
  }

  function nextBatch(day: UsageDay, table: SeriesTable, max: number): Offered {
    const { size, calls, forEach } = table.take(max)
    sequence += 1
    const watched = idle.watch(table, forEach)
    return { batch: { day, sequence, size, table, forEach: watched, describe: table.describe }, calls }
  }

  /** What changed until now, not what changes meanwhile: under steady load that would never end. */
  async function storeAll(): Promise<void> {
    turnCalls.count()
    isStoring = true
    let failures: Map<UsageDay, unknown> | undefined
    try {
      const due = Array.from(tables, ([day, table]) => ({ day, table, left: table.changed })).filter(
        ({ day }) => day !== undated,
      )
      if (leaving !== undefined) due.unshift({ ...leaving, left: leaving.table.changed })
      let sinceTurn = 0
      for (const { day, table, left } of due) {
        if (failures?.has(day)) continue
        try {
          const before = offered.get(day)
          if (before !== undefined) await offer(before)
          for (let rest = left; rest > 0; rest -= sliceSize) {
            if (sinceTurn >= sliceSize) {
              await eventLoopTurn()
              sinceTurn = 0
            }
            const next = nextBatch(day, table, Math.min(rest, sliceSize))
            sinceTurn += next.batch.size
            const answer = offer(next)
            if (answer !== undefined) await answer
          }
        } catch (error) {
          // A day that cannot be written, as its folder is damaged, must not keep the counts of the others in memory.
          failures ??= new Map()
          failures.set(day, error)
        }
      }
    } finally {
      if (leaving?.table.changed === 0) leaving = undefined
      isStoring = false
    }
    if (failures !== undefined) for (const failure of failures.values()) throw failure
  }

  function startStoring(): Promise<void> {
    storing = storeAll()
    return storing
  }

  /** A round that runs took only what had changed before it began. */
  function storeCounted(): Promise<void> {
    if (!isStoring) return startStoring()
    storingNext ??= storing.then(startNext, startNext)
    return storingNext
  }

  function startNext(): Promise<void> {
    storingNext = undefined
    return isStoring ? storing : startStoring()
  }

  let lastDay: UsageDay | undefined
  let lastTable: SeriesTable | undefined

  function put(day: UsageDay, table: SeriesTable): void {
    lastDay = undefined
    tables.set(day, table)
  }

  function drop(day: UsageDay): void {
    lastDay = undefined
    tables.delete(day)
  }

  /** A call mostly has the day of the one before it. */
  function tableOf(day: UsageDay): SeriesTable {
    if (day !== lastDay || lastTable === undefined) {
      lastTable = findOrCreate(day)
      lastDay = day
    }
    return lastTable
  }

  function findOrCreate(givenDay: UsageDay): SeriesTable {
    const day = givenDay < earliestDay ? undated : givenDay
    let table = tables.get(day)
    if (table === undefined) {
      table = createTable()
      put(day, table)
    }
    return table
  }

  function isStored(day: UsageDay): boolean {
    turnCalls.count()
    const changed = (tables.get(day)?.changed ?? 0) + (leaving?.day === day ? leaving.table.changed : 0)
    return !offered.has(day) && changed === 0
  }

  return {
    addCall: turnCalls.add,
    of: tableOf,
    days() {
      turnCalls.count()
      return [...tables.keys()].filter((day) => day !== undated)
    },
    date(day) {
      turnCalls.count()
      const waiting = tables.get(undated)
      if (waiting === undefined) return
      drop(undated)
      const before = tables.get(day)
      if (before === undefined) put(day, waiting)
      else mergeInto(before, waiting)
    },
    store: storeCounted,
    async seal(day) {
      // What failed may be another day's.
      await storeCounted().catch((error: unknown) => {
        if (!isStored(day)) throw error
      })
      await store.seal(day)
      // Calls of the day may have come meanwhile: they stay for the next time, and become a revision.
      if (isStored(day)) drop(day)
      idle.forget(day)
      storedByDay.delete(day)
    },
    letIdleLeave() {
      if (!store.durable || leaving !== undefined) return
      turnCalls.count()
      for (const [day, table] of tables) {
        if (!idle.mayLeave(day, table)) continue
        leaving = { day, table }
        put(day, createTable())
        return
      }
    },
    unstored() {
      turnCalls.count()
      let calls = leaving?.table.calls ?? 0
      for (const batch of offered.values()) calls += batch.calls
      for (const table of tables.values()) calls += table.calls
      return calls
    },
    stored: () => stored,
    storedOpen() {
      let calls = 0
      for (const ofDay of storedByDay.values()) calls += ofDay
      return calls
    },
    folded() {
      turnCalls.count()
      return { ...folded }
    },
  }
}

function mergeInto(table: SeriesTable, other: SeriesTable): void {
  other.take(Number.POSITIVE_INFINITY).forEach((id, gained) => {
    const { instrument, identity, properties, endpoint } = other.describe(id)
    table.add(instrument, identity, properties, endpoint, Array.from(gained))
  })
}
