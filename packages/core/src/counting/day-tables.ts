import type { Diagnostics } from '../diagnostics.ts'
import type { CountBatch, Store, UsageDay } from '../store/store.ts'
import { createSeriesTable, type SeriesLimits, type SeriesTable } from './series-table.ts'

/** The counts of the open days in this process, on their way into the store. */
export interface DayTables {
  of(day: UsageDay): SeriesTable
  days(): UsageDay[]
  /** Hands what was counted to the store. On a rejection nothing is lost: the same batches are offered again next time. */
  store(): Promise<void>
  /** Tells the store that this process is done with the day. */
  seal(day: UsageDay): Promise<void>
  /** Calls that are not in the store yet. */
  unstored(): number
  /** Calls that the store has taken. */
  stored(): number
  /** Calls that the store has taken of days not sealed yet. */
  storedOpen(): number
  folded(): number
}

interface Frozen {
  batch: CountBatch
  calls: number
}

export function createDayTables(store: Store, limits: SeriesLimits, diagnostics: Diagnostics): DayTables {
  const tables = new Map<UsageDay, SeriesTable>()
  const storedByDay = new Map<UsageDay, number>()
  const frozen: Frozen[] = []
  let sequence = 0
  let stored = 0
  let folded = 0
  let storing = Promise.resolve()
  let isStoring = false

  function onOverflow(): void {
    folded += 1
    diagnostics.warn(
      'PXU_WRN_COUNTING_OVERFLOW',
      'There are more endpoints or users than limits allows, so some calls are counted under the endpoint (overflow). The totals are right. Raise limits.series or limits.endpointsPerIdentity, or name endpoints by their route template.',
    )
    diagnostics.publish('counting:overflow', { folded })
  }

  function freeze(): void {
    for (const [day, table] of tables) {
      const calls = table.unstored
      const batch = table.takeBatch(day, sequence + 1)
      if (batch === undefined) continue
      sequence += 1
      frozen.push({ batch, calls })
    }
  }

  async function storeAll(): Promise<void> {
    isStoring = true
    try {
      freeze()
      for (let next = frozen[0]; next !== undefined; next = frozen[0]) {
        const { batch, calls } = next
        const taken = store.add(batch)
        // A store that takes it at once does so within this turn of the event loop.
        if (taken !== undefined) await taken
        frozen.shift()
        stored += calls
        storedByDay.set(batch.day, (storedByDay.get(batch.day) ?? 0) + calls)
        if (frozen.length === 0) freeze()
      }
    } finally {
      isStoring = false
    }
  }

  return {
    of(day) {
      let table = tables.get(day)
      if (table === undefined) {
        table = createSeriesTable(limits, onOverflow)
        tables.set(day, table)
      }
      return table
    },
    days: () => [...tables.keys()],
    store() {
      if (!isStoring) storing = storeAll()
      return storing
    },
    async seal(day) {
      await this.store()
      await store.seal(day)
      // Calls of the day may have come meanwhile: they wait here for the next time, and become a revision.
      freeze()
      tables.delete(day)
      storedByDay.delete(day)
    },
    unstored() {
      let calls = 0
      for (const table of tables.values()) calls += table.unstored
      for (const waiting of frozen) calls += waiting.calls
      return calls
    },
    stored: () => stored,
    storedOpen() {
      let calls = 0
      for (const ofDay of storedByDay.values()) calls += ofDay
      return calls
    },
    folded: () => folded,
  }
}
