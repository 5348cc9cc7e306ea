import type { RejectedLine, UsageDay } from '@px-usage/core'
import {
  type DayWriter,
  type KnownLine,
  type OpenDay,
  type ReadNamespace,
  type RejectedCommand,
  type StoreReader,
  systemClock,
} from '@px-usage/core/adapter'
import { type ClosedRecord, closedRecord, hasMore } from '../close-day.ts'
import type { Connection } from '../connection.ts'
import { DayCounts } from '../counting/day-counts.ts'
import { inSlices, movingOn, readHash } from '../fleet.ts'
import type { KeyNames } from '../key-names.ts'
import { silentAfterMs } from '../membership.ts'
import { encodeLine, linesPerCall, pages } from '../redis-outbox.ts'
import { changeRejectedLines } from '../scripts/operator-scripts.ts'
import { readIncompleteUpTo, readSentLines } from '../sent/read-sent-lines.ts'
import { readOutbox, readWaitingLines } from './redis-lines.ts'

/** A reader of one namespace in Redis, and the one change that an operator can make. */
export interface RedisReader extends StoreReader {
  /** Sends rejected lines again, or discards them. Redis does it at once, whatever runs. */
  change(command: Omit<RejectedCommand, 'id'>): Promise<'done'>
}

interface RedisPlace {
  readonly connection: Connection
  readonly keys: KeyNames
  readonly shards: number
  readonly place: string
  readonly namespace: ReadNamespace
}

/** How often totals are read again when a process closed the day meanwhile. */
const mostTries = 3

/** Creates a reader of one namespace. It sends only commands that read, and no script. */
export function createRedisReader({ connection, keys, shards, place, namespace }: RedisPlace): RedisReader {
  const counts = new DayCounts({ connection, keys, shards })

  /** Returns the generations of each day that has, or had, counts. */
  async function generations(): Promise<Map<UsageDay, number[]>> {
    const found = new Map<UsageDay, number[]>()
    for (let shard = 0; shard < shards; shard++) {
      const names = keys.shard(shard)
      const days = (await connection.read(['SMEMBERS', names.days], names.days)) as string[]
      const numbers = await readHash(connection, names.generations)
      for (const day of days) {
        const ofDay = found.get(day) ?? new Array<number>(shards).fill(0)
        ofDay[shard] = Number(numbers.get(day) ?? 0)
        found.set(day, ofDay)
      }
    }
    return found
  }

  async function closedOf(day: UsageDay): Promise<ClosedRecord> {
    const text = String((await connection.read(['HGET', keys.closed, day], keys.closed)) ?? '')
    return closedRecord(text, shards)
  }

  async function writersOf(day: UsageDay, nowMs: number): Promise<DayWriter[]> {
    const writers: DayWriter[] = []
    for (const [id, state] of await readHash(connection, keys.writers(day))) {
      const beat = await connection.read(['ZSCORE', keys.alive, id], keys.alive)
      const seenAtMs = beat === null ? undefined : Number(beat)
      const isSilent = seenAtMs === undefined || nowMs - seenAtMs > silentAfterMs
      const isDone = state !== 'open' || isSilent
      writers.push({ id, host: undefined, state: isDone ? 'done' : 'counting', seenAtMs, bytes: undefined })
    }
    return writers
  }

  async function redisNow(): Promise<number> {
    const [seconds] = (await connection.read(['TIME'], keys.meta)) as string[]
    return Number(seconds) * 1_000
  }

  async function* rejected(): AsyncGenerator<RejectedLine> {
    for await (const item of pages(connection, keys.rejected)) yield decodeRejected(item)
  }

  async function* unsent(first: UsageDay, last: UsageDay): AsyncGenerator<KnownLine> {
    const isWanted = ({ day }: { day: UsageDay }) => day >= first && day <= last
    for await (const line of readWaitingLines({ connection, keys })) if (isWanted(line)) yield line
    for await (const { reason: _, rejectedAtMs: __, ...line } of rejected()) {
      if (isWanted(line)) yield { ...line, state: 'rejected' }
    }
  }

  async function* sent(first: UsageDay, last: UsageDay): AsyncGenerator<KnownLine> {
    for await (const line of readSentLines({ connection, keys }, { first, last })) {
      yield { ...line, state: 'delivered' }
    }
  }

  const reader: RedisReader = {
    namespace,
    place,

    async openDays() {
      const nowMs = await redisNow()
      const open: OpenDay[] = []
      const counting = await counts.withOpen((await generations()).keys())
      for (const [day, numbers] of await generations()) {
        const { revision, contained } = await closedOf(day)
        if (!hasMore(numbers, contained) && !counting.has(day)) continue
        open.push({ day, revision, writers: await writersOf(day, nowMs) })
      }
      return open.sort((a, b) => (a.day < b.day ? -1 : 1))
    },

    revisionOf: async (day) => (await closedOf(day)).revision,

    async *totals(day) {
      for (let attempt = 1; ; attempt++) {
        const until = (await generations()).get(day)
        if (until === undefined) return
        const { contained, text } = await closedOf(day)
        const found = []
        for await (const total of counts.totals(day, { after: contained, until, withOpen: true }))
          found.push(total)
        const isSame =
          (await generations()).get(day)?.join() === until.join() && (await closedOf(day)).text === text
        if (!isSame && attempt < mostTries) continue
        yield* found
        return
      }
    },

    async sender() {
      const [id, until] = (await connection.read(['HMGET', keys.lead, 'id', 'until'], keys.lead)) as Array<
        string | null
      >
      if (id === null || id === undefined) return undefined
      return { id, host: undefined, state: Number(until) > (await redisNow()) ? 'alive' : 'dead' }
    },

    outbox: () => readOutbox({ connection, keys }),

    lines: (first, last = first) => movingOn(unsent(first, last), sent(first, last)),

    incompleteUpTo: () => readIncompleteUpTo({ connection, keys }),

    waiting: () => readWaitingLines({ connection, keys }),
    rejected,

    async readNote(name) {
      const value = await connection.read(['HGET', keys.notes, name], keys.notes)
      return value === null ? undefined : String(value)
    },

    async change({ kind, lines }) {
      const wanted = new Set(lines)
      const items: string[] = []
      for await (const item of pages(connection, keys.rejected)) {
        if (wanted.has(decodeRejected(item).id)) items.push(item)
      }
      await inSlices(items, linesPerCall, (slice) => {
        const pairs = slice.flatMap((item) => {
          const { reason: _, rejectedAtMs: __, ...line } = decodeRejected(item)
          return [item, kind === 'redeliver' ? encodeLine(line) : '']
        })
        return connection.run(changeRejectedLines, keys.outbox, [systemClock.now(), 'operator', ...pairs])
      })
      return 'done'
    },
  }
  return reader
}

/** Decodes an item of the list of rejected lines: the line, and the refusal on a line of its own. */
function decodeRejected(item: string): RejectedLine {
  const [line = '', refusal = ''] = item.split('\n')
  return { ...JSON.parse(line), ...JSON.parse(refusal) }
}
