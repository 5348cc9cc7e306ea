import { eventLoopTurn } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { CallKind } from '../model/call-kind.ts'
import type { CountedCall } from '../model/counted-call.ts'
import type { Identity } from '../model/identity.ts'
import type { CountBatch, Properties, UsageDay } from '../model/series.ts'
import type { Store } from '../model/store.ts'
import type { IdleSeries } from './idle-series.ts'
import { type Folded, type SeriesLimits, saturationWarning } from './overflow.ts'
import { createSeriesTable, type SeriesTable } from './series-table.ts'
import { createTurnCalls } from './turn-calls.ts'

/**
 * The counts of the open days in this process, until the store has them. If the store is durable, series without recent calls
 * are released from memory: the store has them, and accepts the same series again.
 */
export interface DayTables {
  /** Counts a call with ids that are not checked yet, at the latest when the tables are next read or stored. */
  add(day: UsageDay, userId: string, accountId: string | undefined, kind: CallKind): void
  /** Counts finished calls of one kind under a usable identity. */
  addCall(identity: Identity, call: CountedCall, times: number): void
  /** Returns the table of a day. A day before 2001 means that the clock is not set: its calls wait in memory for `date()`. */
  of(day: UsageDay): SeriesTable
  days(): UsageDay[]
  /** Counts the calls that wait for a date into this day. */
  date(day: UsageDay): void
  /**
   * Adds what was counted so far to the store, day by day. A rejection loses nothing: the batch of a day that failed is offered
   * again by the next call, and newer counts stay merged in the table, so that an outage of hours takes no more memory.
   */
  store(): Promise<void>
  /** Seals a day in the store: this process is done with it. */
  seal(day: UsageDay): Promise<void>
  /** Releases a table with mostly idle series from memory, once its counts are stored. */
  releaseIdle(): void
  /** Number of calls that the store does not have yet. */
  unstored(): number
  /** Number of calls that the store has. */
  stored(): number
  /** Number of calls that the store has, of days that are not sealed yet. */
  storedOpen(): number
  folded(): Folded
}

export interface DayTablesSettings {
  store: Store
  limits: SeriesLimits
  /** The meter's own properties, which replace those of a call when there are too many property sets. */
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
/** Replaces the day of calls whose date is not known yet. */
const undated = ''

/** Limit of a batch, and of the series between two turns of the event loop: a few milliseconds of work for any store. */
const sliceSize = 4_096

/** Creates the tables of all days of a meter. */
export function createDayTables({
  store,
  limits,
  properties,
  diagnostics,
  idle,
}: DayTablesSettings): DayTables {
  const tables = new Map<UsageDay, SeriesTable>()
  /** A table with idle series that is released as soon as its changes are stored. */
  let releasing: DayTable | undefined
  const storedByDay = new Map<UsageDay, number>()
  const folded: Folded = { endpoints: 0, properties: 0, users: 0, accounts: 0 }
  /** The one batch of each day that was offered to the store and not accepted yet. */
  const offered = new Map<UsageDay, Offered>()
  let sequence = 0
  let stored = 0
  let isStoring = false
  let storing = Promise.resolve()
  let storingNext: Promise<void> | undefined

  const turnCalls = createTurnCalls((day, calls) => tableOf(day).addCalls(calls))

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
          'There are more endpoints, users or property sets than `limits` allows, so some calls are counted under (overflow), or without their own properties. The totals are right; stats().calls.folded has the number of these calls. Name endpoints by their route template, give properties few values, or raise `limits`.',
        )
      },
      onSaturation() {
        diagnostics.warn('PXU_WRN_COUNTING_SATURATED', saturationWarning)
      },
    })
    return table
  }

  /** Offers a batch to the store. @returns a promise only if the store did not accept it at once */
  function offer(next: Offered): Promise<void> | undefined {
    offered.set(next.batch.day, next)
    const adding = store.add(next.batch)
    if (adding !== undefined) return adding.then(() => settle(next))
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

  /** Stores what has changed until now. Changes during the call must wait, or it would never finish under steady load. */
  async function storeAll(): Promise<void> {
    turnCalls.count()
    isStoring = true
    let failures: Map<UsageDay, unknown> | undefined
    try {
      const due = Array.from(tables, ([day, table]) => ({ day, table, left: table.changed })).filter(
        ({ day }) => day !== undated,
      )
      if (releasing !== undefined) due.unshift({ ...releasing, left: releasing.table.changed })
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
            const adding = offer(next)
            if (adding !== undefined) await adding
          }
        } catch (error) {
          // One day that cannot be written, because its folder is damaged, must not keep the counts of the others in memory.
          failures ??= new Map()
          failures.set(day, error)
        }
      }
    } finally {
      if (releasing?.table.changed === 0) releasing = undefined
      isStoring = false
    }
    if (failures !== undefined) for (const failure of failures.values()) throw failure
  }

  function startStoring(): Promise<void> {
    storing = storeAll()
    return storing
  }

  /** A round in progress takes only what had changed before it began, so a second round follows it. */
  function storeCounted(): Promise<void> {
    if (!isStoring) return startStoring()
    storingNext ??= storing.then(startNext, startNext)
    return storingNext
  }

  function startNext(): Promise<void> {
    storingNext = undefined
    return isStoring ? storing : startStoring()
  }

  let last: { readonly day: UsageDay; readonly table: SeriesTable } | undefined

  function put(day: UsageDay, table: SeriesTable): void {
    last = undefined
    tables.set(day, table)
  }

  function drop(day: UsageDay): void {
    last = undefined
    tables.delete(day)
  }

  /** Returns the table of a day. It remembers the last one, because most calls belong to the day of the previous call. */
  function tableOf(day: UsageDay): SeriesTable {
    if (last?.day !== day) last = { day, table: findOrCreate(day) }
    return last.table
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
    const changed = (tables.get(day)?.changed ?? 0) + (releasing?.day === day ? releasing.table.changed : 0)
    return !offered.has(day) && changed === 0
  }

  return {
    add: turnCalls.add,
    addCall(identity, call, times) {
      // What came first must be counted first, because the limits fold what comes last.
      turnCalls.count()
      tableOf(call.day).addCall(identity, call, times)
    },
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
      // The failure may belong to another day.
      await storeCounted().catch((error: unknown) => {
        if (!isStored(day)) throw error
      })
      await store.seal(day)
      // Calls of the day may have come meanwhile. They stay for the next round, and become a revision.
      if (isStored(day)) drop(day)
      idle.forget(day)
      storedByDay.delete(day)
    },
    releaseIdle() {
      if (!store.durable || releasing !== undefined) return
      turnCalls.count()
      for (const [day, table] of tables) {
        if (!idle.mayRelease(day, table)) continue
        releasing = { day, table }
        put(day, createTable())
        return
      }
    },
    unstored() {
      turnCalls.count()
      let calls = releasing?.table.calls ?? 0
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
    table.add(other.describe(id), Array.from(gained))
  })
}
