import { UsageError } from '../errors.ts'
import type { DamagedFiles } from '../files/damaged-files.ts'
import { Outbox } from '../outbox/outbox.ts'
import { type Lease, type LeaseSettings, takeLease } from './leader-lease.ts'
import { type Owner, sweepSockets } from './liveness.ts'

export interface LeaderOutboxSettings extends LeaseSettings {
  damaged: DamagedFiles
  /** Called when the folder was replaced. @param missing number of waiting lines that the new folder does not have */
  onReplaced(missing: number): void
  /** The most bytes of delivered lines that are kept. */
  keepSentBytes?: number | undefined
}

/** How often a process that is not the leader checks whether there is a leader, 1000 ms (1 second). */
export const leaderCheckMs = 1_000
/** Number of failed checks in a row that end the lease. */
const mostFailedChecks = 3
/** How long a process that could not send does not want the lease, 3600000 ms (1 hour). Otherwise it would circulate among processes that all cannot send. */
const blockedMs = 3_600_000
/** How long a process that gave up the lease leaves it to others, 60000 ms (1 minute). */
const yieldedMs = 60_000

/** Returns the outbox of the leader. @throws {UsageError} if it is missing, because another process is the leader */
export function requireLeader<T>(outbox: T | undefined): T {
  if (outbox !== undefined) return outbox
  throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', 'Another process sends the lines of this folder now.')
}

/** Gives access to the outbox while this process is the leader, which can begin and end at any time. */
export class LeaderOutbox {
  readonly #settings: LeaderOutboxSettings
  readonly #self: Owner
  #lease: Lease | undefined
  #outbox: Outbox | undefined
  #opening: Promise<Outbox | undefined> | undefined
  /** Lines that waited in the folder that is no longer there, if it was replaced. */
  #waitedBefore: number | undefined
  #triedAtMs = Number.NEGATIVE_INFINITY
  #failedChecks = 0
  #lastEpoch: number | undefined
  #tasks = 0
  #blockedUntilMs = Number.NEGATIVE_INFINITY

  constructor(settings: LeaderOutboxSettings, self: Owner) {
    this.#settings = settings
    this.#self = self
  }

  /** The outbox, without a check whether another process took the lease meanwhile. */
  get current(): Outbox | undefined {
    return this.#outbox
  }

  holds(): boolean {
    return this.#lease?.holds() ?? false
  }

  /** Returns the outbox if this process is the leader or can become it now. */
  async outbox(): Promise<Outbox | undefined> {
    if (this.#lease !== undefined && !this.#stillHolds(this.#lease)) {
      this.reload()
      this.#lease = undefined
      this.#triedAtMs = Number.NEGATIVE_INFINITY
    }
    if (this.#outbox?.isGone) {
      const { pending, unconfirmed } = this.#outbox.counts()
      this.#waitedBefore = pending + unconfirmed
      this.reload()
    }
    this.#lease?.beat()
    if (this.#outbox !== undefined) return this.#outbox
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  /**
   * Checks the lease. A check that fails once says nothing, so the lease stays and the caller retries. Repeated failures end the
   * lease, so that this process can take the next epoch.
   */
  #stillHolds(lease: Lease): boolean {
    try {
      const holds = lease.holds()
      this.#failedChecks = 0
      return holds
    } catch (error) {
      this.#failedChecks += 1
      if (this.#failedChecks < mostFailedChecks) throw error
      this.#failedChecks = 0
      return false
    }
  }

  async #open(): Promise<Outbox | undefined> {
    const { disk, dir, clock, damaged, keepSentBytes } = this.#settings
    if (this.#lease === undefined) {
      if (clock.elapsed() - this.#triedAtMs < leaderCheckMs) return undefined
      this.#triedAtMs = clock.elapsed()
      this.#lease = await takeLease(this.#settings, {
        self: this.#self,
        lastEpoch: this.#lastEpoch,
        canSend: clock.elapsed() >= this.#blockedUntilMs,
      })
      this.#lastEpoch = this.#lease?.epoch ?? this.#lastEpoch
      if (this.#lease !== undefined) await sweepSockets(disk, dir, clock.now())
    }
    if (this.#lease === undefined) return undefined
    const isReplaced = this.#waitedBefore !== undefined
    const outbox = await Outbox.open({
      disk,
      dir,
      epoch: this.#lease.epoch,
      clock,
      damaged,
      isReplaced,
      keepSentBytes,
    }).catch((error: unknown) => {
      // Another process may be able to open it, such as one of the version that wrote it.
      this.reload()
      this.#giveUp()
      throw error
    })
    this.#outbox = outbox
    if (this.#waitedBefore !== undefined) {
      const { pending, unconfirmed } = outbox.counts()
      this.#settings.onReplaced(Math.max(0, this.#waitedBefore - pending - unconfirmed))
      this.#waitedBefore = undefined
    }
    return outbox
  }

  /** Keeps the lease while a task uses the outbox. */
  async during<T>(task: Promise<T>): Promise<T> {
    this.#tasks += 1
    try {
      return await task
    } finally {
      this.#tasks -= 1
    }
  }

  /**
   * Notes that this process cannot send. It gives the lease up if another process wants it; otherwise it stays the leader, so that
   * days are closed. It does so between its own steps, so that no claimed line is sent by both processes.
   *
   * @throws when the disk fails
   */
  cannotSend(): void {
    const nowMs = this.#settings.clock.elapsed()
    this.#blockedUntilMs = nowMs + blockedMs
    if (this.#tasks > 0 || this.#lease === undefined || !this.#lease.isWanted()) return
    this.reload()
    this.#giveUp()
    if (this.#lease === undefined) this.#triedAtMs = nowMs + yieldedMs
  }

  /** Records attempts. @throws if the lease was lost: its new holder may not know of the attempt, so nothing may be sent */
  async markAttempts(ids: readonly string[], atMs: number): Promise<void> {
    const outbox = requireLeader(await this.outbox())
    await outbox.markAttempts(ids, atMs)
    let isLost = false
    try {
      isLost = !this.holds()
    } catch {
      // A check that fails proves nothing, and the lease was held just before.
    }
    if (isLost) requireLeader(undefined)
  }

  /** Forgets what is known of the outbox. The next use reads it again. */
  reload(): void {
    this.#outbox?.close()
    this.#outbox = undefined
  }

  /** Releases the lease. If that fails, this process still holds it. */
  #giveUp(): void {
    try {
      this.#lease?.release()
      this.#lease = undefined
    } catch {
      // The lease is still held, and the next call tries again.
    }
  }

  /** Never throws. The liveness mark, which is released next, ends the lease as well. */
  close(): void {
    try {
      this.reload()
    } finally {
      this.#giveUp()
      this.#lease = undefined
    }
  }
}
