import { UsageError } from '../errors.ts'
import type { CountBatch, DayClose, OutboxLine, Series, Store, StoreContext, UsageDay } from './store.ts'
import { type Change, createUsageState, type UsageState } from './usage-state.ts'

/** What makes a state a store: a way to keep each change before it takes effect. */
export interface Keeping {
  name: string
  durable: boolean
  flushAfterMs: number
  /** Answers what was kept before. */
  open(context: StoreContext): Promise<UsageState>
  /** Keeps a change; a throw means that nothing was kept. */
  keep(change: Change): void
  /** The change that was kept has taken effect. Never throws. */
  applied(): void
  close(): Promise<void>
}

/** A store of one process over a state in memory: every change is checked, kept, then applied. */
export function stateStore(keeping: Keeping): Store {
  /** Batch ids mean something within their table and day only; the state numbers series over all of them. */
  const numbers = new Map<UsageDay, Map<object, Map<number, number>>>()
  let state = createUsageState()
  let lastSequence = 0
  let closing: UsageDay | undefined
  let owned = false
  let clock: StoreContext['clock'] | undefined

  function change(change: Change): void {
    if (clock === undefined) throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', 'The store is not open.')
    state.check(change)
    keeping.keep(change)
    state.apply(change)
    keeping.applied()
  }

  /** Only once a batch is kept are its series known: after a failure they are described again. */
  function count(batch: CountBatch): void {
    const known = numbers.get(batch.day)?.get(batch.table) ?? new Map<number, number>()
    const made = new Map<number, number>()
    const series: Array<[number, Series]> = []
    const gained: Array<[number, ...number[]]> = []
    batch.forEach((id, values) => {
      let number = known.get(id)
      if (number === undefined) {
        number = state.lastNumber() + 1 + series.length
        made.set(id, number)
        series.push([number, batch.describe(id)])
      }
      gained.push([number, ...Array.from(values)])
    })
    change({ type: 'counted', day: batch.day, series, gained })
    const ofDay = numbers.get(batch.day) ?? new Map<object, Map<number, number>>()
    for (const [id, number] of made) known.set(id, number)
    numbers.set(batch.day, ofDay.set(batch.table, known))
  }

  return {
    name: keeping.name,
    durable: keeping.durable,
    flushAfterMs: keeping.flushAfterMs,

    async open(context) {
      if (owned) {
        throw new UsageError(
          'PXU_ERR_STORE_IN_USE',
          `This ${keeping.name} store belongs to another meter already. Give each meter its own store.`,
        )
      }
      owned = true
      try {
        state = await keeping.open(context)
        clock = context.clock
      } catch (error) {
        owned = false
        throw error
      }
    },

    add(batch) {
      if (batch.sequence <= lastSequence) return
      if (batch.day === closing)
        throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `${batch.day} is being closed.`)
      count(batch)
      lastSequence = batch.sequence
    },

    async seal() {},

    async openDays() {
      return state.openDays()
    },

    async *totals(day) {
      yield* state.totals(day)
    },

    async closeDay(day, rollUp): Promise<DayClose> {
      if (closing !== undefined) return { outcome: 'elsewhere' }
      if (!state.openDays().includes(day)) return { outcome: 'empty' }
      const revision = state.nextRevision(day)
      const lines: OutboxLine[] = []
      closing = day
      try {
        for await (const line of rollUp(this.totals(day), revision)) lines.push(line)
        change({ type: 'closed', day, revision, lines })
        numbers.delete(day)
      } finally {
        closing = undefined
      }
      return {
        outcome: 'closed',
        revision,
        lines: lines.length,
        calls: lines.reduce((sum, line) => sum + line.calls, 0),
      }
    },

    async put(lines) {
      change({ type: 'put', lines })
    },

    async claim(limit) {
      return state.claim(limit, clock?.now() ?? 0)
    },

    async markAttempts(ids, atMs) {
      change({ type: 'attempted', ids, atMs })
    },

    async settle(settlements) {
      change({ type: 'settled', settlements })
    },

    async *rejected() {
      yield* state.rejected()
    },

    outboxCounts: () => state.counts(),

    async readNote(name) {
      return state.note(name)
    },

    async writeNote(name, value) {
      change({ type: 'noted', name, value })
    },

    async close() {
      owned = false
      clock = undefined
      lastSequence = 0
      numbers.clear()
      await keeping.close()
    },
  }
}
