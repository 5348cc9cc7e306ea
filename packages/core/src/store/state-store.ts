import { UsageError } from '../errors.ts'
import type { CountBatch, DayClose, OutboxLine, Series, Store, StoreContext, UsageDay } from './store.ts'
import type { Change, UsageState } from './usage-state.ts'

/** What makes a state a store: a way to keep each change before it takes effect. */
export interface Keeping {
  name: string
  durable: boolean
  flushAfterMs: number
  open(context: StoreContext): Promise<void>
  /** Keeps a change; a throw means that nothing was kept. */
  keep(change: Change): void
  close(): Promise<void>
}

/** A store of one process over a state in memory: every change is kept first, then applied. */
export function stateStore(state: UsageState, keeping: Keeping): Store {
  /** Batch ids mean something within their table only; the state numbers series over all tables. */
  const numbers = new WeakMap<object, Map<number, number>>()
  let lastSequence = 0
  let closing: UsageDay | undefined
  let clock: StoreContext['clock'] | undefined

  function change(change: Change): void {
    if (clock === undefined) throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', 'The store is not open yet.')
    keeping.keep(change)
    state.apply(change)
  }

  function counted(batch: CountBatch): Extract<Change, { type: 'counted' }> {
    const known = numbers.get(batch.table) ?? new Map<number, number>()
    const series: Array<[number, Series]> = []
    const gained: Array<[number, ...number[]]> = []
    batch.forEach((id, values) => {
      const number = known.get(id) ?? state.lastNumber() + 1 + series.length
      if (!known.has(id)) series.push([number, batch.describe(id)])
      gained.push([number, ...Array.from(values)])
    })
    return { type: 'counted', day: batch.day, series, gained }
  }

  /** Only once a batch is kept are its series known: after a failure they are described again. */
  function remember(batch: CountBatch, { gained }: { gained: Array<[number, ...number[]]> }): void {
    const known = numbers.get(batch.table) ?? new Map<number, number>()
    numbers.set(batch.table, known)
    let place = 0
    batch.forEach((id) => {
      known.set(id, (gained[place++] as [number])[0])
    })
  }

  return {
    name: keeping.name,
    durable: keeping.durable,
    flushAfterMs: keeping.flushAfterMs,

    async open(context) {
      await keeping.open(context)
      clock = context.clock
    },

    add(batch) {
      if (batch.sequence <= lastSequence) return
      if (batch.day === closing)
        throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `${batch.day} is being closed.`)
      const counts = counted(batch)
      change(counts)
      remember(batch, counts)
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
      if (!state.openDays().includes(day)) return { outcome: 'empty' }
      const revision = state.nextRevision(day)
      const lines: OutboxLine[] = []
      closing = day
      try {
        for await (const line of rollUp(this.totals(day), revision)) lines.push(line)
        change({ type: 'closed', day, revision, lines })
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

    close: () => keeping.close(),
  }
}
