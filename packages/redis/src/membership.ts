import type { UsageDay } from '@px-usage/core'
import type { Fleet } from './fleet.ts'
import { keepSeconds } from './key-names.ts'
import { beat, joinFleet, noteWriter } from './scripts/close-scripts.ts'

/** How often a process shows that it is alive, 10000 ms (10 seconds). */
const beatEveryMs = 10_000
/** The lease of the process that closes days and sends, 30000 ms (30 seconds). */
export const leadLeaseMs = 30_000
/**
 * A process that has not shown that it is alive for 300000 ms (5 minutes) no longer holds up the close of a day. This process must
 * have seen that for as long itself: after an outage of Redis all processes look silent.
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

/** Shows to the fleet that this process is alive, and watches the other processes. */
export class Membership {
  readonly #fleet: Fleet
  readonly #onEmptied: () => void
  readonly #sendLost: () => Promise<unknown>
  readonly #countsOn = new Set<UsageDay>()
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
    }: {
      onEmptied(): void
      /** Sends the last counts of this process again, if Redis has lost them. */
      sendLost(): Promise<unknown>
    },
  ) {
    this.#fleet = fleet
    this.#onEmptied = onEmptied
    this.#sendLost = sendLost
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
    const kept = [keys.closed, keys.notes, ...keys.outbox]
    const epoch = await connection.run(
      beat,
      [keys.alive, keys.lead, keys.meta, ...kept],
      [now(), me, leadLeaseMs, keepSeconds],
    )
    if (this.#isClosed) return
    if (epoch !== this.#epoch) await this.#rejoin()
    await this.#sendLost()
  }

  /** Joins the fleet again after Redis was emptied, and declares the days of this process again. */
  async #rejoin(): Promise<void> {
    const { connection, context, keys, me, now, shards } = this.#fleet
    this.#onEmptied()
    this.#emptiedAtMs = context.clock.elapsed()
    const joined = await connection.run(
      joinFleet,
      [keys.meta, keys.alive],
      [now(), me, shards, this.#epoch, keepSeconds],
    )
    this.#epoch = (joined as string[])[1] as string
    for (const day of this.#countsOn) await this.#note(day, 'open')
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
  }

  async #note(day: UsageDay, state: 'open' | 'sealed'): Promise<void> {
    const { connection, keys, me } = this.#fleet
    await connection.run(noteWriter, [keys.writers(day)], [me, state, keepSeconds])
  }

  /** Returns how many other processes may still have counts of a day. */
  waitingFor(writers: readonly WriterState[]): number {
    const { context, me } = this.#fleet
    const nowMs = context.clock.elapsed()
    let waiting = 0
    for (const { id, state, beat } of writers) {
      if (id === me || state !== 'open') continue
      const before = this.#seen.get(id)
      if (before?.beat !== beat) this.#seen.set(id, { beat, sinceMs: nowMs })
      const sinceMs = before?.beat === beat ? before.sinceMs : nowMs
      if (nowMs - sinceMs < silentAfterMs) waiting += 1
    }
    return waiting
  }

  /** Forgets how long others were silent: while Redis fails, all are. */
  forgetSilence(): void {
    this.#seen.clear()
  }

  /** Stops, and declares that this process is done with its days. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancel()
    for (const day of [...this.#countsOn]) await this.seal(day)
  }
}
