import type { Clock } from '../clock.ts'
import type { DamagedFiles } from './damaged-files.ts'
import type { Disk } from './disk.ts'
import { type Lead, takeLead } from './leader.ts'
import { Outbox } from './outbox.ts'
import type { Owner } from './owner-socket.ts'

export interface LedOutboxSettings {
  disk: Disk
  dir: string
  clock: Clock
  damaged: DamagedFiles
  /** Another folder, or none, was found at the path. @param missing lines that waited and are not in it */
  onReplaced(missing: number): void
  /** Who led before cannot be seen from here: it runs, or ran, on another host. */
  onUnseenLeader(host: string): void
}

/** How often a process that is not the leader looks whether there still is one. */
export const leadEveryMs = 1_000

/** The outbox as long as this process leads, which can begin and end at any time. */
export class LedOutbox {
  readonly #settings: LedOutboxSettings
  readonly #self: Owner
  #lead: Lead | undefined
  #outbox: Outbox | undefined
  #opening: Promise<Outbox | undefined> | undefined
  /** Lines that waited in the folder that is no longer there, if it was replaced. */
  #waitedBefore: number | undefined
  #triedAtMs = Number.NEGATIVE_INFINITY

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
    if (this.#lead !== undefined && !this.#lead.holds()) {
      this.reload()
      this.#lead = undefined
      this.#triedAtMs = Number.NEGATIVE_INFINITY
    }
    if (this.#outbox?.isGone) {
      const { pending, unknown } = this.#outbox.counts()
      this.#waitedBefore = pending + unknown
      this.reload()
    }
    this.#lead?.beat()
    if (this.#outbox !== undefined) return this.#outbox
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #open(): Promise<Outbox | undefined> {
    const { disk, dir, clock, damaged, onUnseenLeader } = this.#settings
    if (this.#lead === undefined) {
      if (clock.elapsed() - this.#triedAtMs < leadEveryMs) return undefined
      this.#triedAtMs = clock.elapsed()
      this.#lead = await takeLead(disk, dir, this.#self, clock, onUnseenLeader)
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
      this.close()
      throw error
    })
    this.#outbox = outbox
    if (this.#waitedBefore !== undefined) {
      const { pending, unknown } = outbox.counts()
      this.#settings.onReplaced(Math.max(0, this.#waitedBefore - pending - unknown))
      this.#waitedBefore = undefined
    }
    return outbox
  }

  /** What is known of the outbox is not right any more: it is read again when it is asked for. */
  reload(): void {
    this.#outbox?.close()
    this.#outbox = undefined
  }

  close(): void {
    this.reload()
    this.#lead?.release()
    this.#lead = undefined
  }
}
