import {
  type Claim,
  type ClaimedLine,
  type OutboxCounts,
  type OutboxLine,
  type RejectedLine,
  type Settlement,
  UsageError,
  type WaitingLine,
} from '@px-usage/core'
import { claimMs, mostKnownPuts, quoted, refuseTwice } from '@px-usage/core/adapter'
import type { Connection, Reply } from './connection.ts'
import { type Fleet, inSlices, movingOn } from './fleet.ts'
import type { KeyNames } from './key-names.ts'
import { leadLeaseMs } from './membership.ts'
import { RecentLines } from './recent-lines.ts'
import {
  claimLines,
  holdLead,
  leaveFleet,
  loadLines,
  markLines,
  putLines,
  readWaiting,
  yieldLead,
} from './scripts/outbox-scripts.ts'
import type { Script } from './scripts/script.ts'
import { settleLines } from './scripts/settle-scripts.ts'
import { SentRecord } from './sent/sent-record.ts'

/** How often a process that does not send checks whether another one does, 1000 ms (1 second). */
const leadCheckMs = 1_000
/** How long a process that could not send does not want to, 3600000 ms (1 hour). */
const blockedMs = 3_600_000
/** How long a process that gave up the lease leaves it to others, and how long their wish for it counts: 60000 ms (1 minute). */
const yieldedMs = 60_000
/** The most lines of one call of a script. */
export const linesPerCall = 100

const noCounts: OutboxCounts = { closed: 0, delivered: 0, pending: 0, unconfirmed: 0, rejected: 0 }

/** A line as scripts take it: its order and id, for Redis to read, and the whole line. */
export function encodeLine(line: OutboxLine): string {
  const rank = line.rank === 'total' ? 0 : 1
  return `${line.day}|${rank}|${JSON.stringify(line.id)}\n${JSON.stringify(line)}`
}

/** The outbox of a fleet. */
export class RedisOutbox {
  readonly #fleet: Fleet
  readonly #claimed = new Map<string, ClaimedLine>()
  readonly #recent = new RecentLines()
  /** The lines that PX has. */
  readonly sent: SentRecord
  #counts: OutboxCounts = noCounts
  #isLeader = false
  #claims = 0
  #operations = 0
  /** Settles when the last operation has ended. */
  #lastOperation: Promise<unknown> = Promise.resolve()
  #isClaimOpen = false
  #blockedUntilMs = Number.NEGATIVE_INFINITY
  #yieldedUntilMs = Number.NEGATIVE_INFINITY

  /** @param keepSentBytes the most bytes of delivered lines that are kept */
  constructor(fleet: Fleet, keepSentBytes: number) {
    this.#fleet = fleet
    this.sent = new SentRecord(fleet, keepSentBytes)
  }

  /** The lines of all processes while this one sends. */
  counts(): OutboxCounts {
    return this.#isLeader ? { ...this.#counts } : noCounts
  }

  async #run(
    script: Script,
    args: readonly (string | number)[],
    more: readonly string[] = [],
  ): Promise<Reply> {
    const { connection, keys, me, now } = this.#fleet
    return connection.run(script, [...keys.outbox, ...more], [now(), me, ...args])
  }

  #learn(reply: Reply): void {
    const [open = 0, unconfirmed = 0, delivered = 0, rejected = 0] = (reply as number[]).map(Number)
    const closed = open + delivered + rejected
    this.#counts = { closed, delivered, pending: open - unconfirmed, unconfirmed, rejected }
  }

  /** A process that cannot send takes the lease only if no process has it, so that days are closed. */
  #wish(): 'send' | 'take' | 'none' {
    const nowMs = this.#fleet.context.clock.elapsed()
    if (nowMs < this.#yieldedUntilMs) return 'none'
    return nowMs < this.#blockedUntilMs ? 'take' : 'send'
  }

  /** Takes or renews the lease. @returns whether this process has it */
  async isLeader(): Promise<boolean> {
    const [isMine, counts] = (await this.#run(holdLead, [this.#wish(), leadLeaseMs])) as [number, Reply]
    this.#isLeader = isMine === 1
    this.#learn(counts)
    return this.#isLeader
  }

  /** Gives up the lease if a process that can send wants it. */
  async cannotSend(): Promise<void> {
    const nowMs = this.#fleet.context.clock.elapsed()
    this.#blockedUntilMs = nowMs + blockedMs
    if (!this.#isLeader) return
    if (Number(await this.#run(yieldLead, [yieldedMs])) !== 1) return
    this.#isLeader = false
    this.#yieldedUntilMs = nowMs + yieldedMs
  }

  async put(lines: readonly OutboxLine[]): Promise<void> {
    await inSlices(lines, linesPerCall, async (slice) => {
      this.#learn(await this.#run(putLines, [mostKnownPuts, ...slice.map(encodeLine)]))
    })
  }

  /** Gives places to the lines of a day that was closed. */
  async load(list: string): Promise<void> {
    while (Number(await this.#run(loadLines, [linesPerCall], [list])) > 0);
  }

  async claim(limit: number): Promise<Claim> {
    // A claim whose reply never came is repeated as it was.
    if (!this.#isClaimOpen) this.#claims += 1
    this.#isClaimOpen = true
    for (;;) {
      const args = [this.#wish(), leadLeaseMs, limit, claimMs, this.#claims]
      const reply = (await this.#run(claimLines, args)) as Reply[]
      if (reply[0] === 'LOAD') {
        await this.load(reply[1] as string)
        continue
      }
      this.#isClaimOpen = false
      this.#isLeader = reply[0] === 'OK'
      if (!this.#isLeader) return { lines: [], nextDueInMs: leadCheckMs, notLeader: true }
      this.#learn(reply[1] as Reply)
      const waitMs = Number(reply[2])
      const nowMs = this.#fleet.context.clock.now()
      const claimed = (reply[3] as [string, ClaimedLine['state'], number, number | ''][]).map(
        ([json, state, attempts, ageMs]): ClaimedLine => ({
          ...(JSON.parse(json) as OutboxLine),
          state,
          attempts,
          // The clock of the process that attempted it may differ from this one.
          attemptedAtMs: ageMs === '' ? undefined : Math.floor(nowMs) - ageMs,
        }),
      )
      for (const line of claimed) this.#claimed.set(line.id, line)
      const lines = await this.#withoutDelivered(claimed)
      const isNothingElse = lines.length < claimed.length && lines.length === 0
      return { lines, nextDueInMs: isNothingElse ? 0 : waitMs < 0 ? undefined : waitMs }
    }
  }

  /** Settles lines that this process has delivered and Redis has lost that. */
  async #withoutDelivered(claimed: readonly ClaimedLine[]): Promise<ClaimedLine[]> {
    const delivered = claimed.filter((line) => this.#recent.deliveredCalls(line.id) !== undefined)
    if (delivered.length > 0) {
      await this.settle(delivered.map(({ id }) => ({ id, state: 'delivered' })))
      const more = delivered.reduce((sum, { id, calls }) => {
        return sum + Math.max(0, calls - (this.#recent.deliveredCalls(id) ?? calls))
      }, 0)
      if (more > 0) this.#reportMissing(more)
    }
    return claimed.filter((line) => !delivered.includes(line)).map((line) => this.#recent.corrected(line))
  }

  #reportMissing(calls: number): void {
    this.#fleet.context.diagnostics.report({
      code: 'PXU_ERR_STORE_REDIS_LOST',
      message: `Redis lost that events were sent to PX, and ${calls} calls were counted for them since. PX keeps the events as they are, so these calls are missing in PX.`,
    })
  }

  async markAttempts(ids: readonly string[], atMs: number): Promise<void> {
    refuseTwice(ids)
    const encoded = ids.map((id) => JSON.stringify(id))
    const ageMs = Math.max(0, Math.floor(this.#fleet.context.clock.now() - atMs))
    this.#accept(await this.#operate(markLines, [ageMs, claimMs, ...encoded]))
    const lines = ids.map((id) => this.#claimed.get(id)).filter((line) => line !== undefined)
    this.#recent.attempted(lines, atMs)
  }

  async settle(settlements: readonly Settlement[]): Promise<void> {
    refuseTwice(settlements.map(({ id }) => id))
    const rejectedAtMs = this.#fleet.context.clock.now()
    const args = settlements.flatMap((one) => [
      JSON.stringify(one.id),
      one.state,
      'waitMs' in one ? Math.ceil(one.waitMs) : 0,
      one.state === 'rejected' ? JSON.stringify({ reason: one.reason, rejectedAtMs }) : '',
    ])
    this.#recent.settled(settlements)
    const { sent } = this
    const unpacked = this.#accept(await this.#operate(settleLines, [...sent.args, ...args], sent.keys))
    for (const { id } of settlements) this.#claimed.delete(id)
    await sent.pack(Number(unpacked))
  }

  /**
   * Runs one operation after the other. Redis refuses one that it would execute after a later one: a settlement that comes late could
   * call a line pending whose next request has started.
   */
  #operate(script: Script, args: readonly (string | number)[], more: readonly string[] = []): Promise<Reply> {
    const run = this.#lastOperation.then(() => {
      this.#operations += 1
      return this.#run(script, [this.#operations, ...args], more)
    })
    this.#lastOperation = run.catch(() => {})
    return run
  }

  #accept(reply: Reply): Reply | undefined {
    const [result, rest, more] = reply as [string, Reply, Reply?]
    if (result !== 'OK') {
      const text = `This process has not claimed the line ${quoted(rest)}.`
      throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', text)
    }
    this.#learn(rest)
    return more
  }

  waiting(): AsyncGenerator<WaitingLine> {
    return movingOn(readIncomingLines(this.#fleet), this.#loaded())
  }

  /** The waiting lines, without those of days that were closed a moment ago. */
  async *#loaded(): AsyncGenerator<WaitingLine> {
    for (let place = ''; ; ) {
      const slice = (await this.#run(readWaiting, [place, linesPerCall])) as [
        string,
        string,
        WaitingLine['state'],
      ][]
      for (const [, json, state] of slice) yield { ...(JSON.parse(json) as OutboxLine), state }
      if (slice.length < linesPerCall) return
      place = slice.at(-1)?.[0] ?? ''
    }
  }

  async *rejected(): AsyncGenerator<RejectedLine> {
    for await (const item of pages(this.#fleet.connection, this.#fleet.keys.rejected)) {
      const [line = '', refusal = ''] = item.split('\n')
      yield { ...JSON.parse(line), ...JSON.parse(refusal) }
    }
  }

  /** Releases the claims and the lease. */
  async close(): Promise<void> {
    const ids = [...this.#claimed.keys()].map((id) => JSON.stringify(id))
    this.#claimed.clear()
    this.#isLeader = false
    await this.#run(leaveFleet, ids, [this.#fleet.keys.alive])
  }
}

/** Yields the items of a list. */
export async function* pages(connection: Pick<Connection, 'read'>, list: string): AsyncGenerator<string> {
  for (let from = 0; ; from += linesPerCall) {
    const args = ['LRANGE', list, String(from), String(from + linesPerCall - 1)]
    const page = (await connection.read(args, list)) as string[]
    yield* page
    if (page.length < linesPerCall) return
  }
}

/** Yields the lines of days that were closed a moment ago, or whose close was cut short behind its decisive step. */
export async function* readIncomingLines({
  connection,
  keys,
}: {
  readonly connection: Pick<Connection, 'read'>
  readonly keys: KeyNames
}): AsyncGenerator<WaitingLine> {
  const lists = (await connection.read(['LRANGE', keys.incoming, '0', '-1'], keys.incoming)) as string[]
  for (const list of lists) {
    // A process takes lines from the start of the list, so only places from its end stay the same.
    for (let last = 1; ; last += linesPerCall) {
      const range = ['LRANGE', list, String(1 - last - linesPerCall), String(-last)]
      const page = (await connection.read(range, list)) as string[]
      for (const item of page.reverse())
        yield { ...(JSON.parse(item.slice(item.indexOf('\n') + 1)) as OutboxLine), state: 'pending' }
      if (page.length < linesPerCall) break
    }
  }
}
