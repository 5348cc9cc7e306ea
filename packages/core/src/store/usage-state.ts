import { mergeValues } from '../counting/instruments.ts'
import { quoted, UsageError } from '../errors.ts'
import type {
  Claim,
  ClaimedLine,
  LineState,
  OutboxCounts,
  OutboxLine,
  Series,
  SeriesTotal,
  Settlement,
  UsageDay,
} from './store.ts'

/** Everything that can happen to what a store keeps. Applying the same changes in the same order gives the same state. */
export type Change =
  /** Series seen for the first time, by number, and what numbered series gained. */
  | { type: 'counted'; day: UsageDay; series: Array<[number, Series]>; gained: Array<[number, ...number[]]> }
  | { type: 'closed'; day: UsageDay; revision: number; lines: readonly OutboxLine[] }
  | { type: 'put'; lines: readonly OutboxLine[] }
  | { type: 'attempted'; ids: readonly string[]; atMs: number }
  | { type: 'settled'; settlements: readonly Settlement[] }
  | { type: 'noted'; name: string; value: string }
  /** What is left of a line: stands at the head of a rewritten file. */
  | { type: 'line'; line: StoredLine }
  | { type: 'tallied'; delivered: number; revisions: Array<[UsageDay, number]> }
  /** Ids of lines put before, which are not put again. */
  | { type: 'known'; ids: readonly string[] }

interface StoredLine extends OutboxLine {
  state: LineState
  attempts: number
  attemptedAtMs: number | undefined
  dueAtMs: number
  reason: string
}

/** Open days, lines and notes as plain data in memory: the memory store is this, the file store this and a file. */
export interface UsageState {
  /** @throws {UsageError} `PXU_ERR_STORE_UNAVAILABLE` if the change makes no sense here; after that `apply` does not throw */
  check(change: Change): void
  apply(change: Change): void
  openDays(): UsageDay[]
  totals(day: UsageDay): SeriesTotal[]
  nextRevision(day: UsageDay): number
  /** The highest number that a series was counted under. */
  lastNumber(): number
  claim(limit: number, nowMs: number): Claim
  rejected(): StoredLine[]
  pendingIds(): string[]
  counts(): OutboxCounts
  note(name: string): string | undefined
  /** The fewest changes that lead from nothing to this state. */
  rewritten(): Change[]
}

/** A claim ends by itself: whoever claimed a line could perhaps not tell what became of it. Longer than any request. */
const leaseMs = 300_000
/** So many ids of lines put are remembered after their delivery, the oldest forgotten first. */
const maxKnown = 10_000

export function createUsageState(): UsageState {
  const days = new Map<UsageDay, Map<number, SeriesTotal>>()
  const revisions = new Map<UsageDay, number>()
  const lines = new Map<string, StoredLine>()
  const leases = new Map<string, number>()
  const known = new Set<string>()
  const notes = new Map<string, string>()
  let lastNumber = 0
  const tally = { delivered: 0, pending: 0, unknown: 0, rejected: 0 }

  function put(line: OutboxLine): void {
    if (lines.has(line.id)) return
    lines.set(line.id, {
      ...line,
      state: 'pending',
      attempts: 0,
      attemptedAtMs: undefined,
      dueAtMs: 0,
      reason: '',
    })
    tally.pending += 1
  }

  function remember(id: string): void {
    known.add(id)
    if (known.size > maxKnown) known.delete(known.values().next().value as string)
  }

  function stored(id: string): StoredLine {
    const line = lines.get(id)
    if (line !== undefined) return line
    throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `The line ${quoted(id)} is not in the outbox.`)
  }

  function checkIds(ids: readonly string[]): void {
    ids.forEach(stored)
    if (new Set(ids).size === ids.length) return
    throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `A line stands twice in ${quoted(ids.join())}.`)
  }

  function checkCount(
    day: UsageDay,
    newSeries: Array<[number, Series]>,
    gained: Array<[number, ...number[]]>,
  ): void {
    const described = new Set(newSeries.map(([id]) => id))
    for (const [id] of gained) {
      if (described.has(id) || days.get(day)?.has(id)) continue
      throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `The series ${id} of ${day} was never described.`)
    }
  }

  function move(line: StoredLine, state: LineState): void {
    tally[line.state] -= 1
    tally[state] += 1
    line.state = state
  }

  function settle(settlement: Settlement): void {
    const line = stored(settlement.id)
    leases.delete(line.id)
    move(line, settlement.state)
    if (settlement.state === 'delivered') lines.delete(line.id)
    else if (settlement.state === 'rejected') line.reason = settlement.reason
    else line.dueAtMs = settlement.dueAtMs
  }

  function count(
    day: UsageDay,
    newSeries: Array<[number, Series]>,
    gained: Array<[number, ...number[]]>,
  ): void {
    const totals = days.get(day) ?? new Map<number, SeriesTotal>()
    days.set(day, totals)
    for (const [id, series] of newSeries) {
      totals.set(id, { series, values: series.instrument.measures.map(() => 0) })
      lastNumber = Math.max(lastNumber, id)
    }
    for (const [id, ...values] of gained) {
      const total = totals.get(id) as SeriesTotal
      total.values = mergeValues(total.series.instrument, total.values, values)
    }
  }

  return {
    check(change) {
      if (change.type === 'counted') checkCount(change.day, change.series, change.gained)
      else if (change.type === 'attempted') checkIds(change.ids)
      else if (change.type === 'settled') checkIds(change.settlements.map(({ id }) => id))
    },

    apply(change) {
      switch (change.type) {
        case 'counted':
          return count(change.day, change.series, change.gained)
        case 'closed':
          days.delete(change.day)
          revisions.set(change.day, change.revision + 1)
          return change.lines.forEach(put)
        case 'put':
          for (const line of change.lines) {
            if (known.has(line.id)) continue
            remember(line.id)
            put(line)
          }
          return
        case 'known':
          return change.ids.forEach(remember)
        case 'attempted':
          for (const id of change.ids) {
            const line = stored(id)
            move(line, 'unknown')
            line.attempts += 1
            line.attemptedAtMs = change.atMs
          }
          return
        case 'settled':
          return change.settlements.forEach(settle)
        case 'noted':
          notes.set(change.name, change.value)
          return
        case 'line':
          lines.set(change.line.id, { ...change.line })
          tally[change.line.state] += 1
          return
        case 'tallied':
          tally.delivered = change.delivered
          for (const [day, revision] of change.revisions) revisions.set(day, revision)
      }
    },

    openDays: () => [...days.keys()].sort(),
    totals: (day) => [...(days.get(day)?.values() ?? [])],
    lastNumber: () => lastNumber,
    nextRevision: (day) => revisions.get(day) ?? 0,

    claim(limit, nowMs) {
      const due: StoredLine[] = []
      let nextDueAtMs: number | undefined
      for (const line of lines.values()) {
        if (line.state === 'rejected') continue
        const dueAtMs = leases.get(line.id) ?? line.dueAtMs
        if (dueAtMs <= nowMs) due.push(line)
        else nextDueAtMs = Math.min(nextDueAtMs ?? dueAtMs, dueAtMs)
      }
      const taken = due.sort(oldestDayFirst).slice(0, limit)
      for (const line of taken) leases.set(line.id, nowMs + leaseMs)
      return { lines: taken.map((line) => ({ ...line }) as ClaimedLine), nextDueAtMs }
    },

    pendingIds: () => [...lines.values()].filter(({ state }) => state === 'pending').map(({ id }) => id),
    rejected: () => [...lines.values()].filter((line) => line.state === 'rejected'),

    counts: () => ({ closed: tally.delivered + lines.size, ...tally }),
    note: (name) => notes.get(name),

    rewritten() {
      const changes: Change[] = [
        { type: 'tallied', delivered: tally.delivered, revisions: [...revisions] },
        { type: 'known', ids: [...known] },
      ]
      for (const [day, totals] of days) {
        const all = [...totals]
        changes.push({
          type: 'counted',
          day,
          series: all.map(([id, { series }]) => [id, series]),
          gained: all.map(([id, { values }]) => [id, ...values]),
        })
      }
      for (const line of lines.values()) changes.push({ type: 'line', line })
      for (const [name, value] of notes) changes.push({ type: 'noted', name, value })
      return changes
    },
  }
}

function oldestDayFirst(a: OutboxLine, b: OutboxLine): number {
  if (a.day !== b.day) return a.day < b.day ? -1 : 1
  return a.rank === b.rank ? 0 : a.rank === 'total' ? -1 : 1
}
