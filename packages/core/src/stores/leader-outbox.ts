import { UsageError } from '../errors.ts'
import type { DamagedFiles } from '../files/damaged-files.ts'
import { Outbox } from '../outbox/outbox.ts'
import { type Lead, type LeadSettings, takeLead } from './leader-lease.ts'
import { type Owner, sweepSockets } from './liveness.ts'

export interface LedOutboxSettings extends LeadSettings {
  damaged: DamagedFiles
  /** Another folder, or none, was found at the path. @param missing lines that waited and are not in it */
  onReplaced(missing: number): void
}

/** How often a process that is not the leader looks whether there still is one. */
export const leadEveryMs = 1_000
/** So many failed checks in a row are not a passing fault. */
const mostFailedChecks = 3
/** For so long a process that could not send asks for the lead no more: among processes that all cannot, it must not go round. */
const blockedMs = 3_600_000
/** For so long a process that gave up the lead leaves it to others. */
const yieldedMs = 60_000

/** @throws {UsageError} if there is none, as another process leads */
export function leading<T>(outbox: T | undefined): T {
  if (outbox !== undefined) return outbox
  throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', 'Another process sends the lines of this folder now.')
}

/** The outbox as long as this process leads, which can begin and end at any time. */
export class LeaderOutbox {
  readonly #settings: LedOutboxSettings
  readonly #self: Owner
  #lead: Lead | undefined
  #outbox: Outbox | undefined
  #opening: Promise<Outbox | undefined> | undefined
  /** Lines that waited in the folder that is no longer there, if it was replaced. */
  #waitedBefore: number | undefined
  #triedAtMs = Number.NEGATIVE_INFINITY
  #failedChecks = 0
  #lastEpoch: number | undefined
  #tasks = 0
  #blockedUntilMs = Number.NEGATIVE_INFINITY

  constructor(settings: LedOutboxSettings, self: Owner) {
    this.#settings = settings
    this.#self = self
  }

  /** Without asking whether somebody else took the lead meanwhile. */
  get current(): Outbox | undefined {
    return this.#outbox
  }

  holds(): boolean {
    return this.#lead?.holds() ?? false
  }

  /** The outbox, if this process leads or can take the lead now. */
  async outbox(): Promise<Outbox | undefined> {
    if (this.#lead !== undefined && !this.#stillHolds(this.#lead)) {
      this.reload()
      this.#lead = undefined
      this.#triedAtMs = Number.NEGATIVE_INFINITY
    }
    if (this.#outbox?.isGone) {
      const { pending, unconfirmed } = this.#outbox.counts()
      this.#waitedBefore = pending + unconfirmed
      this.reload()
    }
    this.#lead?.beat()
    if (this.#outbox !== undefined) return this.#outbox
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  /**
   * A check that fails once says nothing, so the lead stays and the caller tries again. One that fails for good ends the lead,
   * so that this process can take the next epoch.
   */
  #stillHolds(lead: Lead): boolean {
    try {
      const holds = lead.holds()
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
    const { disk, dir, clock, damaged } = this.#settings
    if (this.#lead === undefined) {
      if (clock.elapsed() - this.#triedAtMs < leadEveryMs) return undefined
      this.#triedAtMs = clock.elapsed()
      this.#lead = await takeLead(this.#settings, {
        self: this.#self,
        lastEpoch: this.#lastEpoch,
        canSend: clock.elapsed() >= this.#blockedUntilMs,
      })
      this.#lastEpoch = this.#lead?.epoch ?? this.#lastEpoch
      if (this.#lead !== undefined) await sweepSockets(disk, dir, clock.now())
    }
    if (this.#lead === undefined) return undefined
    const isReplaced = this.#waitedBefore !== undefined
    const outbox = await Outbox.open({
      disk,
      dir,
      epoch: this.#lead.epoch,
      clock,
      damaged,
      isReplaced,
    }).catch((error: unknown) => {
      // Another process may be able to: one of the version that wrote it.
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

  /** Counts what uses the outbox, which keeps the lead meanwhile. */
  async during<T>(task: Promise<T>): Promise<T> {
    this.#tasks += 1
    try {
      return await task
    } finally {
      this.#tasks -= 1
    }
  }

  /**
   * This process cannot send. It gives up the lead if another process asks for it, and otherwise leads on, so that days are
   * closed. The leader itself does so, between its own steps: what it has claimed cannot be sent by both.
   *
   * @throws when the disk fails
   */
  cannotSend(): void {
    const nowMs = this.#settings.clock.elapsed()
    this.#blockedUntilMs = nowMs + blockedMs
    if (this.#tasks > 0 || this.#lead === undefined || !this.#lead.isWanted()) return
    this.reload()
    this.#giveUp()
    if (this.#lead === undefined) this.#triedAtMs = nowMs + yieldedMs
  }

  /** @throws when the lead was lost meanwhile: the process that has it now may not know of the attempt, so nothing may be sent */
  async markAttempts(ids: readonly string[], atMs: number): Promise<void> {
    const outbox = leading(await this.outbox())
    await outbox.markAttempts(ids, atMs)
    let isLost = false
    try {
      isLost = !this.holds()
    } catch {
      // It was held just before.
    }
    if (isLost) leading(undefined)
  }

  /** What is known of the outbox is not right any more: it is read again when it is asked for. */
  reload(): void {
    this.#outbox?.close()
    this.#outbox = undefined
  }

  /** Memory follows the disk: a lead that could not be released is still held. */
  #giveUp(): void {
    try {
      this.#lead?.release()
      this.#lead = undefined
    } catch {
      // Held on, and tried again.
    }
  }

  /** Never throws: the mark of the owner, which is released next, says the same. */
  close(): void {
    try {
      this.reload()
    } finally {
      this.#giveUp()
      this.#lead = undefined
    }
  }
}
