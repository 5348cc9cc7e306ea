import { type Clock, systemClock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import { SeriesSums } from '../journal/series-sums.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { CountBatch, Series, SeriesTotal, UsageDay } from '../model/series.ts'
import type { Store, StoreContext } from '../model/store.ts'
import { MemoryOutbox } from '../outbox/memory-outbox.ts'

/** The series of a day in the order in which they came, and their sums. */
interface DayTotals {
  readonly series: Series[]
  readonly sums: SeriesSums
  /** For each table of the meter: the number of a series here, by its id there. */
  readonly numbers: Map<object, number[]>
}

/**
 * Creates a store that keeps everything in this process. Nothing survives it, so `close()` of the meter closes the open day and
 * sends it. A crash loses what was not sent.
 */
export function memoryStore(): Store {
  const days = new Map<UsageDay, DayTotals>()
  const revisions = new Map<UsageDay, number>()
  const notes = new Map<string, string>()
  let context: StoreContext | undefined
  /** Kept after `close()`, because lines that were being sent then are still settled. */
  let clock: Clock = systemClock
  const outbox = new MemoryOutbox({ now: () => clock.now(), elapsed: () => clock.elapsed() })
  /** The sequence of the last batch that was added, by day: batches of one day come in their order. */
  const lastSequences = new Map<UsageDay, number>()
  let closing: UsageDay | undefined

  function opened(): StoreContext {
    if (context !== undefined) return context
    throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', 'The memory store is not open.')
  }

  function count(batch: CountBatch): void {
    const day: DayTotals = days.get(batch.day) ?? { series: [], sums: new SeriesSums(), numbers: new Map() }
    const { series, sums } = day
    const numbers = day.numbers.get(batch.table) ?? []
    batch.forEach((id, gained) => {
      let number = numbers[id]
      if (number === undefined) {
        const described = batch.describe(id)
        number = series.push(described) - 1
        numbers[id] = number
        sums.add(described.instrument)
      }
      sums.gain(number, gained)
    })
    days.set(batch.day, day)
    day.numbers.set(batch.table, numbers)
  }

  return {
    name: 'memory',
    durable: false,
    flushAfterMs: 1_000,

    async open(given) {
      if (context !== undefined) {
        throw new UsageError(
          'PXU_ERR_STORE_IN_USE',
          'This memory store belongs to another meter already. Give each meter its own store.',
        )
      }
      context = given
      clock = given.clock
    },

    add(batch) {
      opened()
      if (batch.sequence <= (lastSequences.get(batch.day) ?? 0)) return
      if (batch.day === closing) {
        throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `${batch.day} is being closed.`)
      }
      count(batch)
      lastSequences.set(batch.day, batch.sequence)
    },

    async seal() {},

    async openDays() {
      return [...days.keys()].sort()
    },

    async *totals(day) {
      yield* totalsOf(days.get(day))
    },

    async closeDay(day, makeLines) {
      if (closing !== undefined) return { outcome: 'notLeader' }
      const totals = days.get(day)
      if (totals === undefined) return { outcome: 'empty' }
      const revision = revisions.get(day) ?? 0
      const lines: OutboxLine[] = []
      closing = day
      try {
        const again = {
          async *[Symbol.asyncIterator]() {
            yield* totalsOf(totals)
          },
        }
        for await (const line of makeLines(again, revision)) lines.push(line)
        outbox.add(lines)
        days.delete(day)
        revisions.set(day, revision + 1)
      } finally {
        closing = undefined
      }
      const calls = lines.reduce((sum, line) => sum + line.calls, 0)
      return { outcome: 'closed', revision, lines: lines.length, calls }
    },

    async revisionOf(day) {
      return revisions.get(day) ?? 0
    },

    async put(lines) {
      outbox.put(lines)
    },
    async claim(limit) {
      opened()
      return outbox.claim(limit)
    },
    async markAttempts(ids, atMs) {
      outbox.markAttempts(ids, atMs)
    },
    async settle(settlements) {
      outbox.settle(settlements)
    },
    async *waiting() {
      yield* outbox.waiting()
    },
    async *rejected() {
      yield* outbox.rejected
    },
    outboxCounts: () => outbox.counts(),
    isSender: async () => true,

    async readNote(name) {
      return notes.get(name)
    },
    async writeNote(name, value) {
      notes.set(name, value)
    },
    async discardNote(name) {
      notes.delete(name)
    },

    async close() {
      context = undefined
      lastSequences.clear()
    },
  }
}

function* totalsOf(day: DayTotals | undefined): Generator<SeriesTotal> {
  if (day === undefined) return
  for (const [number, series] of day.series.entries()) yield { series, values: day.sums.of(number) ?? [] }
}
