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

export interface StoredLine extends OutboxLine {
  state: LineState
  attempts: number
  attemptedAtMs: number | undefined
  dueAtMs: number
  reason: string
}

/** Open days, lines and notes as plain data in memory: the memory store is this, the file store this and a file. */
export interface UsageState {
  apply(change: Change): void
  openDays(): UsageDay[]
  totals(day: UsageDay): SeriesTotal[]
  nextRevision(day: UsageDay): number
  /** The highest number that a series was counted under. */
  lastNumber(): number
  claim(limit: number, nowMs: number): Claim
  rejected(): StoredLine[]
  counts(): OutboxCounts
  note(name: string): string | undefined
  /** The fewest changes that lead from nothing to this state. */
  rewritten(): Change[]
}

export function createUsageState(): UsageState {
  const days = new Map<UsageDay, Map<number, SeriesTotal>>()
  const revisions = new Map<UsageDay, number>()
  const lines = new Map<string, StoredLine>()
  const claimed = new Set<string>()
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

  function stored(id: string): StoredLine {
    const line = lines.get(id)
    if (line !== undefined) return line
    throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `The line ${quoted(id)} is not in the outbox.`)
  }

  function move(line: StoredLine, state: LineState): void {
    tally[line.state] -= 1
    tally[state] += 1
    line.state = state
  }

  function settle(settlement: Settlement): void {
    const line = stored(settlement.id)
    claimed.delete(line.id)
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
      const total = totals.get(id)
      if (total !== undefined) total.values = mergeValues(total.series.instrument, total.values, values)
    }
  }

  return {
    apply(change) {
      switch (change.type) {
        case 'counted':
          return count(change.day, change.series, change.gained)
        case 'closed':
          days.delete(change.day)
          revisions.set(change.day, change.revision + 1)
          return change.lines.forEach(put)
        case 'put':
          return change.lines.forEach(put)
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
        if (claimed.has(line.id) || line.state === 'rejected') continue
        if (line.dueAtMs <= nowMs) due.push(line)
        else nextDueAtMs = Math.min(nextDueAtMs ?? line.dueAtMs, line.dueAtMs)
      }
      const taken = due.sort(oldestDayFirst).slice(0, limit)
      for (const line of taken) claimed.add(line.id)
      return { lines: taken.map((line) => ({ ...line }) as ClaimedLine), nextDueAtMs }
    },

    rejected: () => [...lines.values()].filter((line) => line.state === 'rejected'),

    counts: () => ({ closed: tally.delivered + lines.size, ...tally }),
    note: (name) => notes.get(name),

    rewritten() {
      const changes: Change[] = [{ type: 'tallied', delivered: tally.delivered, revisions: [...revisions] }]
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
