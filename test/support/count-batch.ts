import { apiCalls } from '../../packages/core/src/counting/instruments.ts'
import type { OutboxLine } from '../../packages/core/src/model/outbox-line.ts'
import type { CountBatch, Series } from '../../packages/core/src/model/series.ts'
import type { MakeLines, Store } from '../../packages/core/src/model/store.ts'

export const day = '2026-11-23'

export function series(userId: string): Series {
  return { instrument: apiCalls, identity: { userId }, properties: { apiType: 'RESTful' } }
}

/** Makes the batches of one meter: calls per user and day, numbered from 1, each day with a table of its own. */
export function batches(): (gained: Record<string, number>, onDay?: string, table?: object) => CountBatch {
  const tables = new Map<string, object>()
  const users: string[] = []
  let sequence = 0
  return (gained, onDay = day, table = tables.get(onDay) ?? {}) => {
    tables.set(onDay, table)
    sequence += 1
    const changed = Object.entries(gained).map(([userId, calls]) => {
      if (!users.includes(userId)) users.push(userId)
      return [users.indexOf(userId), calls] as const
    })
    return {
      day: onDay,
      sequence,
      size: changed.length,
      table,
      forEach: (visit) => {
        for (const [id, calls] of changed) visit(id, [calls, 0, 0, 0])
      },
      describe: (id) => series(users[id] as string),
    }
  }
}

/** Calls per user that the store has of an open day. After a restart a user may have a second series. */
export async function callsOf(store: Store, onDay: string = day): Promise<Record<string, number>> {
  const calls: Record<string, number> = {}
  for await (const { series, values } of store.totals(onDay)) {
    const { userId } = series.identity
    calls[userId] = (calls[userId] ?? 0) + (values[0] ?? 0)
  }
  return calls
}

export function line(id: string, onDay: string = day, rank: OutboxLine['rank'] = 'total'): OutboxLine {
  return { id, day: onDay, kind: 'event', rank, body: JSON.stringify({ id }), calls: 1 }
}

/** One line per user, with day, revision and user in its id. */
export function oneLinePerUser(onDay: string = day): MakeLines {
  return async function* (totals, revision) {
    for await (const total of totals) {
      const { userId } = total.series.identity
      yield { ...line(`${onDay}.${revision}.${userId}`, onDay), calls: total.values[0] ?? 0 }
    }
  }
}

/** The same of the series of all journals together. */
export function oneLinePerUserOnce(onDay: string = day): MakeLines {
  return async function* (totals, revision) {
    const calls = new Map<string, number>()
    for await (const { series, values } of totals) {
      const { userId } = series.identity
      calls.set(userId, (calls.get(userId) ?? 0) + (values[0] ?? 0))
    }
    for (const [user, count] of calls) yield { ...line(`${onDay}.${revision}.${user}`, onDay), calls: count }
  }
}

/** Calls per user in all lines of the store, whatever became of them, after closing what is open. */
export async function callsInLines(store: Store): Promise<Record<string, number>> {
  for (const open of await store.openDays()) {
    const { outcome } = await store.closeDay(open, oneLinePerUserOnce(open))
    // A journal of which not one frame was finished is empty.
    if (outcome !== 'closed' && outcome !== 'empty')
      throw new Error(`${open} could not be closed: ${outcome}`)
  }
  const calls: Record<string, number> = {}
  const { lines } = await store.claim(1_000)
  if (new Set(lines.map(({ id }) => id)).size !== lines.length) throw new Error('A line was claimed twice')
  for (const { id, calls: more } of lines) {
    const user = id.split('.').at(-1) as string
    calls[user] = (calls[user] ?? 0) + more
  }
  return calls
}
