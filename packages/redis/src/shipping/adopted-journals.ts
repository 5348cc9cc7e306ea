import type { UsageDay } from '@px-usage/core'
import {
  type Clock,
  createSilence,
  type Disk,
  type JournalWriterId,
  type OwnerState,
  ownerState,
  type ShippedJournal,
  type ShippingFolder,
  type Silence,
  thisHost,
} from '@px-usage/core/adapter'
import { holdJournal } from '../scripts/close-scripts.ts'
import { type Joined, JournalShipper } from './journal-shipper.ts'

/** How long a process has the journal of a dead one to itself, 60000 ms (1 minute), longer than it takes to send it. */
const holdMs = 60_000

export interface AdoptedJournalsSettings {
  disk: Disk
  dir: string
  folder: ShippingFolder
  clock: Clock
  /** The id of this process. */
  me: string
  /** Where this process is, by `placeOf()`. */
  place: string
}

/** Names the kernel and the folder in which a socket shows whether a process is alive. A copy of the folder has another name. */
export function placeOf(disk: Disk, dir: string): string {
  return `${thisHost.boot}#${disk.statSync(dir).ino}`
}

/** The journals of dead processes in a folder, which this process sends for them. */
export class AdoptedJournals {
  readonly #settings: AdoptedJournalsSettings
  readonly #silence: Silence
  readonly #shippers = new Map<string, JournalShipper>()

  constructor(settings: AdoptedJournalsSettings) {
    this.#settings = settings
    this.#silence = createSilence(settings.clock)
  }

  /** Sends the counts of processes that are dead. @throws {UsageError} if Redis fails @throws what the disk throws */
  async ship(joined: Joined): Promise<void> {
    const { folder } = this.#settings
    for (const journalId of folder.others()) {
      const writer = (await folder.writerOf(journalId)) ?? { host: '', boot: '' }
      const mayTake = this.#shippers.has(journalId) || (await this.#isDead(journalId, writer, joined))
      if (!mayTake) continue
      if (await this.#holds(journalId, joined)) await this.#shipOne(journalId, writer, joined)
      else this.#shippers.delete(journalId)
    }
  }

  async #shipOne(journalId: string, writer: JournalWriterId, joined: Joined): Promise<void> {
    const { members } = joined
    const journal = this.#settings.folder.shipmentsOf(journalId, writer)
    const declare = (day: UsageDay) => members.note(journalId, day, 'open')
    const freeze: ShippedJournal['freeze'] = (makeLines) => journal.freeze(makeLines)
    const shipper =
      this.#shippers.get(journalId) ??
      new JournalShipper({ ...joined, journal, isOwn: false, freeze, declare })
    this.#shippers.set(journalId, shipper)
    await shipper.ship()
    for (const day of shipper.takeDays()) await members.note(journalId, day, 'sealed')
  }

  /** Sends again what Redis has lost of them. @throws as `ship()` */
  async check(): Promise<void> {
    for (const [journalId, shipper] of this.#shippers) {
      await shipper.check()
      if (await shipper.isOver()) this.#shippers.delete(journalId)
    }
  }

  /** Removes what Redis has: this process ends. */
  async forgetAdded(): Promise<void> {
    for (const shipper of this.#shippers.values()) await shipper.forgetAdded()
  }

  /**
   * Returns whether the process of a journal is dead. A folder that was copied, or a machine that was started again, may be a clone of one
   * on which the process is alive. Then only Redis shows it.
   */
  async #isDead(journalId: string, writer: JournalWriterId, { members }: Joined): Promise<boolean> {
    const state = await this.#stateOf(journalId, writer)
    if (state === 'alive') return false
    return (state === 'dead' && this.#isHere(writer.boot)) || (await members.isSilent(journalId))
  }

  #stateOf(journalId: string, { host, boot }: JournalWriterId): Promise<OwnerState> {
    const { disk, dir } = this.#settings
    const owner = { journalId, host, boot: boot.split('#')[0] ?? '' }
    return ownerState({ disk, dir, silence: this.#silence }, owner)
  }

  #isHere(place: string): boolean {
    return thisHost.boot !== '' && place === this.#settings.place
  }

  /** Takes or renews the right to send the journal of a dead process. */
  async #holds(journalId: string, { fleet: { connection, keys } }: Joined): Promise<boolean> {
    const { me, place } = this.#settings
    const self = `${me} ${place}`
    const hold = async (dead: string) =>
      String(await connection.run(holdJournal, [keys.holder(journalId)], [self, holdMs, dead]))
    const holder = await hold('')
    if (holder === self) return true
    const [id = '', boot = ''] = holder.split(' ')
    const isDead = this.#isHere(boot) && (await this.#stateOf(id, { host: thisHost.host, boot })) === 'dead'
    return isDead && (await hold(holder)) === self
  }
}
