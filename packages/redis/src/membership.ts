import { type UsageDay, UsageError } from '@px-usage/core'
import { quoted } from '@px-usage/core/adapter'
import { retainMs } from './counting/shard-writer.ts'
import type { Fleet } from './fleet.ts'
import { keepSeconds } from './key-names.ts'
import { beat, joinFleet, keyFormat, noteWriter } from './scripts/close-scripts.ts'

/** How often a process shows that it is alive, 10000 ms (10 seconds). */
const beatEveryMs = 10_000
/** The lease of the process that closes days and sends, 30000 ms (30 seconds). */
export const leadLeaseMs = 30_000
/**
 * A process that has not shown that it is alive for 300000 ms (5 minutes) no longer holds up the close of a day. This process must
 * have seen that for as long itself, while Redis worked: after an outage of Redis all processes look silent.
 */
export const silentAfterMs = 300_000

/**
 * How long no day is closed after Redis was emptied, 30000 ms (30 seconds). Meanwhile the other processes notice it, declare their
 * days again and send their last counts again.
 */
const recoveryMs = 30_000

/** Whether a writer may still have counts of a day. */
export interface WriterState {
  readonly id: string
  readonly state: string
  readonly beat: string
}

/**
 * Registers this process in its namespace.
 *
 * @param epoch names the content of Redis, if the namespace is new
 * @throws {UsageError} `PXU_ERR_STORE_UNAVAILABLE` if Redis fails, or a newer px-usage has written to it
 */
export async function joinNamespace(
  { connection, keys, me, now, shards }: Fleet,
  epoch: string,
): Promise<{ shards: number; epoch: string }> {
  const args = [now(), me, shards, epoch, keepSeconds]
  const joined = (await connection.run(joinFleet, [keys.meta, keys.alive], args)) as [string, string, string]
  const [ofAll, current, format] = joined
  if (Number(format) > keyFormat) {
    const text = `The keys of ${quoted(keys.meta)} have the format ${format} of a newer px-usage, and this version knows the format ${keyFormat}. Nothing was changed. Use the newer version in all processes, or give this one another keyPrefix.`
    throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', text)
  }
  return { shards: Number(ofAll), epoch: current }
}

/** Shows to the fleet that this process is alive, and watches the other processes. */
export class Membership {
  readonly #fleet: Fleet
  readonly #onEmptied: () => Promise<void>
  readonly #sendLost: () => Promise<unknown>
  readonly #onMembers: (members: number) => void
  readonly #countsOn = new Set<UsageDay>()
  /** Days that this process sealed a moment ago, by the time of the seal. */
  readonly #sealedAt = new Map<UsageDay, number>()
  readonly #seen = new Map<string, { beat: string; sinceMs: number }>()
  #epoch = ''
  #emptiedAtMs = Number.NEGATIVE_INFINITY
  #cancel = () => {}
  #isClosed = false

  constructor(
    fleet: Fleet,
    {
      onEmptied,
      sendLost,
      onMembers,
    }: {
      onEmptied(): Promise<void>
      /** Sends the last counts of this process again, if Redis has lost them. */
      sendLost(): Promise<unknown>
      /** Receives the number of processes that are alive. */
      onMembers(members: number): void
    },
  ) {
    this.#fleet = fleet
    this.#onEmptied = onEmptied
    this.#sendLost = sendLost
    this.#onMembers = onMembers
  }

  /** Starts to show that this process is alive. @throws {UsageError} if Redis fails */
  async start(epoch: string): Promise<void> {
    this.#epoch = epoch
    await this.#beat()
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isClosed) return
    this.#cancel = this.#fleet.context.clock.setTimer(() => {
      void this.#beat()
        .catch(() => {})
        .then(() => this.#schedule())
    }, beatEveryMs)
  }

  async #beat(): Promise<void> {
    const { connection, keys, me, now } = this.#fleet
    const kept = [keys.closed, keys.notes, keys.tasks, ...keys.outbox]
    const [epoch, members] = (await connection.run(
      beat,
      [keys.alive, keys.lead, keys.meta, ...kept],
      [now(), me, leadLeaseMs, keepSeconds],
    )) as [string, number]
    if (this.#isClosed) return
    this.#onMembers(Number(members))
    if (epoch !== this.#epoch) await this.#rejoin()
    // A failover may have lost what this process declared. Then the fleet would close a day too early, or wait for this process for as
    // long as it lives.
    for (const day of this.#countsOn) await this.#note(day, 'open')
    await this.#sendLost()
    await this.#sealAgain()
  }

  async #sealAgain(): Promise<void> {
    const nowMs = this.#fleet.context.clock.elapsed()
    for (const [day, sealedAtMs] of this.#sealedAt) {
      if (this.#countsOn.has(day) || nowMs - sealedAtMs > retainMs) this.#sealedAt.delete(day)
      else await this.#note(day, 'sealed')
    }
  }

  /** Joins the fleet again after Redis was emptied, and declares the days of this process again. */
  async #rejoin(): Promise<void> {
    await this.#onEmptied()
    this.#emptiedAtMs = this.#fleet.context.clock.elapsed()
    this.#epoch = (await joinNamespace(this.#fleet, this.#epoch)).epoch
  }

  /** Returns whether Redis was emptied a moment ago, so that other processes still send their counts again. */
  async isRecovering(): Promise<boolean> {
    await this.#beat()
    return this.#fleet.context.clock.elapsed() - this.#emptiedAtMs < recoveryMs
  }

  /** Declares that this process counts on a day, before its first count. @throws {UsageError} if Redis fails */
  async countsOn(day: UsageDay): Promise<void> {
    if (this.#countsOn.has(day)) return
    await this.#note(day, 'open')
    this.#countsOn.add(day)
  }

  /** Declares that this process is done with a day. @throws {UsageError} if Redis fails */
  async seal(day: UsageDay): Promise<void> {
    if (!this.#countsOn.has(day)) return
    await this.#sendLost()
    await this.#note(day, 'sealed')
    this.#countsOn.delete(day)
    this.#sealedAt.set(day, this.#fleet.context.clock.elapsed())
  }

  async #note(day: UsageDay, state: 'open' | 'sealed'): Promise<void> {
    await this.note(this.#fleet.me, day, state)
  }

  /** Declares that a process counts on a day, or is done with it. @throws {UsageError} if Redis fails */
  async note(id: string, day: UsageDay, state: 'open' | 'sealed'): Promise<void> {
    const { connection, keys } = this.#fleet
    await connection.run(noteWriter, [keys.writers(day)], [id, state, keepSeconds])
  }

  /** Returns whether a process has been silent for so long that it counts as dead. @throws {UsageError} if Redis fails */
  async isSilent(id: string): Promise<boolean> {
    const { connection, keys } = this.#fleet
    const beat = await connection.read(['ZSCORE', keys.alive, id], keys.alive)
    return this.#silentMs(id, String(beat ?? '')) >= silentAfterMs
  }

  /** Returns how long this process has seen another one without a new beat. */
  #silentMs(id: string, beat: string): number {
    const nowMs = this.#fleet.context.clock.elapsed()
    const before = this.#seen.get(id)
    if (before?.beat === beat) return nowMs - before.sinceMs
    this.#seen.set(id, { beat, sinceMs: nowMs })
    return 0
  }

  /** Returns how many other processes may still have counts of a day. */
  waitingFor(writers: readonly WriterState[]): number {
    let waiting = 0
    for (const { id, state, beat } of writers) {
      if (id === this.#fleet.me || state !== 'open') continue
      if (this.#silentMs(id, beat) < silentAfterMs) waiting += 1
    }
    return waiting
  }

  /** Does not count the time of an outage as silence of the others. A reply that is lost now and then excuses almost nothing. */
  excuseSilence(outageMs: number): void {
    for (const [id, { beat, sinceMs }] of this.#seen)
      this.#seen.set(id, { beat, sinceMs: sinceMs + outageMs })
  }

  /** Stops, and declares that this process is done with its days. @param isDone whether Redis has all of its counts */
  async close(isDone: boolean): Promise<void> {
    this.#isClosed = true
    this.#cancel()
    if (!isDone) return
    for (const day of [...this.#countsOn]) await this.seal(day)
  }
}
