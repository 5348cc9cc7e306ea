import type { Clock } from '../clock.ts'
import type { Disk } from './disk.ts'
import { type Lead, takeLead } from './leader.ts'
import { Outbox } from './outbox.ts'
import type { Owner } from './owner-socket.ts'

export interface LedOutboxSettings {
  disk: Disk
  dir: string
  clock: Clock
  onDamage(path: string, what: string): void
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
    if (this.#outbox?.isGone) this.reload()
    this.#lead?.beat()
    if (this.#outbox !== undefined) return this.#outbox
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #open(): Promise<Outbox | undefined> {
    const { disk, dir, clock, onDamage, onUnseenLeader } = this.#settings
    if (this.#lead === undefined) {
      if (clock.elapsed() - this.#triedAtMs < leadEveryMs) return undefined
      this.#triedAtMs = clock.elapsed()
      this.#lead = await takeLead(disk, dir, this.#self, clock, onUnseenLeader)
    }
    if (this.#lead === undefined) return undefined
    const outbox = await Outbox.open({ disk, dir, epoch: this.#lead.epoch, clock, onDamage }).catch(
      (error: unknown) => {
        // Another process may be able to: one of the version that wrote it.
        this.close()
        throw error
      },
    )
    this.#outbox = outbox
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
