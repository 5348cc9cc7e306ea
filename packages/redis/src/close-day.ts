import { randomBytes } from 'node:crypto'
import {
  type DayClose,
  type MakeLines,
  type OutboxLine,
  type SeriesTotal,
  type UsageDay,
  UsageError,
} from '@px-usage/core'
import { createUsageDays, systemClock, type UsageDays } from '@px-usage/core/adapter'
import type { DayCounts, Generations } from './counting/day-counts.ts'
import { retainMs } from './counting/shard-writer.ts'
import type { Fleet } from './fleet.ts'
import { keepSeconds } from './key-names.ts'
import type { Membership, WriterState } from './membership.ts'
import { encodeLine, linesPerCall, type RedisOutbox } from './redis-outbox.ts'
import { commitDay, readClosing, stageLines } from './scripts/close-scripts.ts'

/** What is recorded of a closed day: how often it was closed, and the generations that its lines contain. */
export interface ClosedRecord {
  readonly revision: number
  readonly contained: Generations
  /** As it is in Redis; `''` for a day that was never closed. */
  readonly text: string
}

/** Days before this many are forgotten once they were closed. */
const keepDays = 90
const dayMs = 86_400_000
/** A clock that is more than 60000 ms (1 minute) ahead of Redis is reported. */
const mostAheadMs = 60_000

/** Closes the days of a fleet. */
export class DayCloser {
  readonly #fleet: Fleet
  readonly #counts: DayCounts
  readonly #members: Membership
  readonly #outbox: RedisOutbox
  readonly #days: UsageDays
  readonly #closedSince = new Map<UsageDay, { closed: string; sinceMs: number }>()

  constructor(parts: { fleet: Fleet; counts: DayCounts; members: Membership; outbox: RedisOutbox }) {
    this.#fleet = parts.fleet
    this.#counts = parts.counts
    this.#members = parts.members
    this.#outbox = parts.outbox
    this.#days = createUsageDays(parts.fleet.context.timeZone)
  }

  async #closed(day: UsageDay): Promise<ClosedRecord & { nowMs: number; writers: WriterState[] }> {
    const { connection, keys, shards, now } = this.#fleet
    const [nowMs, text, ...writers] = (await connection.run(
      readClosing,
      [keys.closed, keys.writers(day), keys.alive],
      [now(), day],
    )) as [number, string, ...[string, string, string][]]
    return {
      nowMs: Number(nowMs),
      ...closedRecord(text, shards),
      writers: writers.map(([id, state, beat]) => ({ id, state, beat })),
    }
  }

  /**
   * Returns whether the counts that a closed day contains may be removed. While they are on another node than the record of the close,
   * they are kept for as long as a failover may lose the record alone.
   */
  #mayDrop(day: UsageDay, closed: string): boolean {
    if (this.#fleet.shards === 1) return true
    const nowMs = this.#fleet.context.clock.elapsed()
    const known = this.#closedSince.get(day)
    if (known?.closed === closed) return nowMs - known.sinceMs > retainMs
    this.#closedSince.set(day, { closed, sinceMs: nowMs })
    return false
  }

  async revisionOf(day: UsageDay): Promise<number> {
    return (await this.#closed(day)).revision
  }

  /** Returns the days with counts that no closed day contains, oldest first. */
  async openDays(): Promise<UsageDay[]> {
    const open: UsageDay[] = []
    const counting = await this.#counts.withOpen((await this.#counts.days()).keys())
    for (const [day, generations] of await this.#counts.days()) {
      const { contained, text } = await this.#closed(day)
      if (hasMore(generations, contained) || counting.has(day)) open.push(day)
      else if (this.#mayDrop(day, text)) {
        await this.#drop(day, new Array<number>(generations.length).fill(0), contained)
      }
    }
    return open.sort()
  }

  /**
   * Yields what all processes have counted of an open day.
   *
   * @throws {UsageError} if Redis fails, or another process closes the day meanwhile
   */
  async *totals(day: UsageDay): AsyncGenerator<SeriesTotal> {
    const generations = (await this.#counts.days()).get(day)
    if (generations === undefined) return
    const { contained, text } = await this.#closed(day)
    yield* this.#counts.totals(day, { after: contained, until: generations, withOpen: true })
    const later = (await this.#counts.days()).get(day)
    if (later?.join() === generations.join() && (await this.#closed(day)).text === text) return
    const cause = 'The day was closed while its counts were read. Read them again.'
    throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', cause)
  }

  async close(day: UsageDay, makeLines: MakeLines, force: boolean): Promise<DayClose> {
    if (!(await this.#outbox.isLeader())) return { outcome: 'notLeader' }
    if (!force && (await this.#members.isRecovering())) return { outcome: 'waiting', writers: 1 }
    const before = (await this.#counts.days()).get(day)
    if (before === undefined) return { outcome: 'empty' }
    const record = await this.#closed(day)
    const waiting = this.#members.waitingFor(record.writers)
    if (!force && this.#isTooEarly(day, record.nowMs)) return { outcome: 'waiting', writers: waiting }
    if (waiting > 0 && !force) return { outcome: 'waiting', writers: waiting }
    await this.#members.seal(day)
    const until = await this.#counts.seal(day, before)
    if (!hasMore(until, record.contained)) {
      await this.#drop(day, record.contained, until)
      return { outcome: 'empty' }
    }
    return this.#commit(day, makeLines, record, until)
  }

  /** Returns whether the day is not over by the clock of Redis, because the clock of this machine is ahead. */
  #isTooEarly(day: UsageDay, redisNowMs: number): boolean {
    const { clock, diagnostics } = this.#fleet.context
    // Redis has no part in the time of a clock that the app gave.
    if (clock !== systemClock || redisNowMs >= this.#days.bounds(day).endMs) return false
    const aheadMs = clock.now() - redisNowMs
    if (aheadMs > mostAheadMs) {
      diagnostics.report({
        code: 'PXU_ERR_STORE_UNAVAILABLE',
        message: `The clock of this machine is ${Math.round(aheadMs / 1_000)} s ahead of the clock of Redis, by which ${day} is not over, so this process does not close it yet. Check the time service of both machines.`,
      })
    }
    return true
  }

  async #commit(
    day: UsageDay,
    makeLines: MakeLines,
    record: ClosedRecord,
    until: Generations,
  ): Promise<DayClose> {
    const { connection, keys, me, now } = this.#fleet
    const { revision, contained } = record
    const token = randomBytes(8).toString('hex')
    const totals = {
      [Symbol.asyncIterator]: () => this.#counts.totals(day, { after: contained, until, withOpen: false }),
    }
    const { lines, calls } = await this.#stage(keys.staged(day, token), makeLines(totals, revision))
    // A failover may have lost that the counts were set aside before they were read.
    if ((await this.#counts.days()).get(day)?.join() !== until.join()) return { outcome: 'notLeader' }
    const list = keys.loading(day, revision)
    const closed = `${revision + 1}|${until.join()}|${token}`
    const result = await connection.run(
      commitDay,
      [
        ...[keys.lead, keys.closed, keys.staged(day, token), keys.incoming, list, keys.counts],
        keys.shard(0).generations,
      ],
      [now(), me, day, record.text, closed, lines, this.#oldest(), keepSeconds, until[0] ?? 0],
    )
    if (result !== 'OK') return { outcome: 'notLeader' }
    // The day is closed. What fails from here on is done by the next process that finds it.
    if (lines > 0) await this.#outbox.load(list).catch(() => {})
    if (this.#mayDrop(day, closed)) await this.#drop(day, contained, until).catch(() => {})
    await this.#outbox.isLeader().catch(() => {})
    return { outcome: 'closed', revision, lines, calls }
  }

  async #stage(key: string, made: AsyncIterable<OutboxLine>): Promise<{ lines: number; calls: number }> {
    let lines = 0
    let calls = 0
    let slice: string[] = []
    const write = async () => {
      await this.#fleet.connection.run(stageLines, [key], [lines - slice.length, 86_400, ...slice])
      slice = []
      // A long close keeps the lease.
      await this.#outbox.isLeader()
    }
    for await (const line of made) {
      slice.push(encodeLine(line))
      lines += 1
      calls += line.calls
      if (slice.length === linesPerCall) await write()
    }
    if (slice.length > 0) await write()
    return { lines, calls }
  }

  #oldest(): UsageDay {
    return new Date(this.#fleet.context.clock.now() - keepDays * dayMs).toISOString().slice(0, 10)
  }

  #drop(day: UsageDay, after: Generations, until: Generations): Promise<void> {
    this.#closedSince.delete(day)
    return this.#counts.drop(day, { after, until, oldest: this.#oldest() })
  }
}

/** Decodes the record of a closed day. @param text `''` for a day that was never closed */
export function closedRecord(text: string, shards: number): ClosedRecord {
  const [revision = '0', contained = ''] = text.split('|')
  return {
    revision: Number(revision),
    contained: contained === '' ? new Array<number>(shards).fill(0) : contained.split(',').map(Number),
    text,
  }
}

/** Returns whether a day has generations that its closed record does not contain. */
export function hasMore(generations: Generations, contained: Generations): boolean {
  return generations.some((generation, shard) => generation > (contained[shard] ?? 0))
}
