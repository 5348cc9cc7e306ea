import { claimMs, mergeValues, storeError } from '@px-usage/core/adapter'
import { type OutboxLine, type Store, type StoreContext, type UsageDay, UsageError } from '@px-usage/express'
import { type Contents, readContents, type StoredLine, writeContents } from './contents.ts'

/**
 * Creates a store that keeps everything in one JSON file, for one process. It writes the whole file for each change, which is short to
 * read and slow to run: a store for many users keeps tables.
 */
export function jsonStore(path: string): Store {
  let context: StoreContext | undefined
  let contents: Contents
  let closing: UsageDay | undefined
  // What only this process needs to know.
  let lastSequences = new Map<UsageDay, number>()
  let places = new Map<object, Map<UsageDay, Map<number, number>>>()
  let claimed = new Set<string>()
  let dueAtMs = new Map<string, number>()

  function opened(): StoreContext {
    if (context !== undefined) return context
    throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `The store ${path} is not open.`)
  }

  /** Makes a change in a copy, and keeps it once it is in the file. So a change that fails has changed nothing. */
  function change<Result>(make: (contents: Contents) => Result): Result {
    opened()
    const changed = structuredClone(contents)
    const result = make(changed)
    try {
      writeContents(path, changed)
    } catch (error) {
      throw storeError(`Cannot write ${path}. px-usage will retry.`, error)
    }
    contents = changed
    return result
  }

  function isKnown(id: string, { lines, known }: Contents): boolean {
    return known.includes(id) || lines.some((line) => line.id === id)
  }

  /** Oldest day first, within a day totals before details. */
  function inOrder(): StoredLine[] {
    const rank = ({ rank }: OutboxLine) => (rank === 'total' ? 0 : 1)
    return [...contents.lines].sort((a, b) => a.day.localeCompare(b.day) || rank(a) - rank(b))
  }

  /** Returns the indexes of claimed lines. @throws {UsageError} if one was not claimed, or is named twice */
  function indexesOf(ids: readonly string[]): number[] {
    if (new Set(ids).size < ids.length || !ids.every((id) => claimed.has(id)))
      throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `Not all of ${ids.join()} are claimed, once each.`)
    return ids.map((id) => contents.lines.findIndex((line) => line.id === id))
  }

  return {
    name: 'json',
    durable: true,
    place: path,
    flushAfterMs: 1_000,

    async open(given) {
      if (context !== undefined)
        throw new UsageError('PXU_ERR_STORE_IN_USE', `${path} belongs to another meter already.`)
      try {
        contents = readContents(path)
      } catch (error) {
        throw storeError(`Cannot read ${path}. px-usage will retry.`, error)
      }
      lastSequences = new Map()
      places = new Map()
      claimed = new Set()
      dueAtMs = new Map()
      context = given
    },

    add(batch) {
      opened()
      if (batch.sequence <= (lastSequences.get(batch.day) ?? 0)) return
      if (batch.day === closing)
        throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `${batch.day} is being closed.`)
      const ofTable = places.get(batch.table) ?? new Map<UsageDay, Map<number, number>>()
      const known = new Map(ofTable.get(batch.day))
      change(({ days }) => {
        const totals = days[batch.day] ?? []
        days[batch.day] = totals
        batch.forEach((id, gained) => {
          const total = totals[known.get(id) ?? -1]
          if (total !== undefined) {
            total.values = mergeValues(total.series.instrument, total.values, gained)
          } else {
            known.set(id, totals.length)
            totals.push({ series: batch.describe(id), values: Array.from(gained) })
          }
        })
      })
      places.set(batch.table, ofTable.set(batch.day, known))
      lastSequences.set(batch.day, batch.sequence)
    },

    // A store of one process has no other writers to wait for.
    async seal() {},

    async openDays() {
      return Object.keys(contents.days).sort()
    },

    async *totals(day) {
      yield* contents.days[day] ?? []
    },

    async closeDay(day, makeLines) {
      if (closing !== undefined) return { outcome: 'notLeader' }
      const totals = contents.days[day]
      if (totals === undefined) return { outcome: 'empty' }
      const revision = contents.revisions[day] ?? 0
      const lines: OutboxLine[] = []
      closing = day
      try {
        const readAgain = {
          async *[Symbol.asyncIterator]() {
            yield* totals
          },
        }
        for await (const line of makeLines(readAgain, revision)) lines.push(line)
        change((changed) => {
          delete changed.days[day]
          changed.revisions[day] = revision + 1
          for (const line of lines) changed.lines.push({ ...line, state: 'pending', attempts: 0 })
        })
        for (const ofTable of places.values()) ofTable.delete(day)
      } finally {
        closing = undefined
      }
      const calls = lines.reduce((sum, line) => sum + line.calls, 0)
      return { outcome: 'closed', revision, lines: lines.length, calls }
    },

    async revisionOf(day) {
      return contents.revisions[day] ?? 0
    },

    async put(lines) {
      change((changed) => {
        for (const line of lines) {
          if (isKnown(line.id, changed)) continue
          changed.lines.push({ ...line, state: 'pending', attempts: 0 })
          changed.known = [...changed.known, line.id].slice(-10_000)
        }
      })
    },

    async claim(limit) {
      const { clock } = opened()
      const nowMs = clock.elapsed()
      const due = inOrder().filter(({ id }) => (dueAtMs.get(id) ?? 0) <= nowMs)
      const lines = due.slice(0, limit).map((line) => ({ ...line, attemptedAtMs: line.attemptedAtMs }))
      for (const { id } of lines) {
        claimed.add(id)
        // A line that is never settled is due again later.
        dueAtMs.set(id, nowMs + claimMs)
      }
      const waits = contents.lines.map(({ id }) => (dueAtMs.get(id) ?? 0) - nowMs).filter((ms) => ms > 0)
      return { lines, nextDueInMs: waits.length === 0 ? undefined : Math.min(...waits) }
    },

    async markAttempts(ids, atMs) {
      const indexes = indexesOf(ids)
      change(({ lines }) => {
        for (const index of indexes) {
          const line = lines[index] as StoredLine
          Object.assign(line, { state: 'unconfirmed', attempts: line.attempts + 1, attemptedAtMs: atMs })
        }
      })
    },

    async settle(settlements) {
      const { clock } = opened()
      indexesOf(settlements.map(({ id }) => id))
      change((changed) => {
        for (const settlement of settlements) {
          const at = changed.lines.findIndex(({ id }) => id === settlement.id)
          const line = changed.lines[at] as StoredLine
          if (settlement.state === 'pending' || settlement.state === 'unconfirmed') {
            line.state = settlement.state
            continue
          }
          changed.lines.splice(at, 1)
          if (settlement.state === 'delivered') changed.delivered += 1
          if (settlement.state === 'rejected') {
            const { state, attempts, attemptedAtMs, ...rest } = line
            changed.rejected.push({ ...rest, reason: settlement.reason, rejectedAtMs: clock.now() })
          }
        }
      })
      for (const settlement of settlements) {
        claimed.delete(settlement.id)
        dueAtMs.delete(settlement.id)
        if ('waitMs' in settlement) dueAtMs.set(settlement.id, clock.elapsed() + settlement.waitMs)
      }
    },

    async *waiting() {
      for (const { attempts, attemptedAtMs, ...line } of inOrder()) yield line
    },

    async *rejected() {
      yield* contents.rejected
    },

    outboxCounts() {
      const { lines, delivered, rejected } = contents
      const unconfirmed = lines.filter(({ state }) => state === 'unconfirmed').length
      return {
        closed: delivered + lines.length + rejected.length,
        delivered,
        pending: lines.length - unconfirmed,
        unconfirmed,
        rejected: rejected.length,
      }
    },

    isSender: async () => true,

    async readNote(name) {
      return contents.notes[name]
    },
    async writeNote(name, value) {
      change(({ notes }) => {
        notes[name] = value
      })
    },
    async discardNote(name) {
      change(({ notes }) => {
        delete notes[name]
      })
    },

    async close() {
      context = undefined
    },
  }
}
