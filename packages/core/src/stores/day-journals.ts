import { join } from 'node:path'
import { ReportedSubjects } from '../diagnostics.ts'
import type { DamagedFiles } from '../files/damaged-files.ts'
import { codeOf, type Disk } from '../files/disk.ts'
import { formatVersion } from '../files/frames.ts'
import { closeQuietly, openToRead } from '../files/held-file.ts'
import {
  type JournalFile,
  journalDays,
  journalFolder,
  journalsOf,
  removeJournalFiles,
} from '../journal/journal-files.ts'
import {
  type InspectedFile,
  inspectJournal,
  oneByOne,
  readJournalHeader,
  readTotals,
} from '../journal/journal-reader.ts'
import type { SeriesTotal, UsageDay } from '../model/series.ts'
import type { DayClose, MakeLines } from '../model/store.ts'
import { type ClosedDay, ClosedDays, closedDayName } from '../outbox/closed-days.ts'
import { newHeader, outboxFolder, writeLineFile } from '../outbox/line-file.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { readDayTotals } from './day-totals.ts'
import { type JournalOwner, journalOwner } from './journal-owner.ts'
import type { Silence } from './silence.ts'

export interface DayJournalsSettings {
  disk: Disk
  dir: string
  silence: Silence
  now(): number
  damaged: DamagedFiles
  onNewer(path: string): void
  /** Called once for each journal whose writer runs, or ran, on another host. */
  onUnseen(host: string): void
}

/** Reads the journals of all writers in a folder: their days, their totals, and the close of a day. */
export class DayJournals {
  readonly #settings: DayJournalsSettings
  readonly #disk: Disk
  readonly #dir: string
  readonly closed: ClosedDays
  readonly #reported = new ReportedSubjects()
  /** Results for files that a closed day contains in part: by path, valid while the size is the same. */
  readonly #inspected = new Map<string, { size: number; file: InspectedFile }>()

  constructor(settings: DayJournalsSettings) {
    this.#settings = settings
    this.#disk = settings.disk
    this.#dir = settings.dir
    this.closed = new ClosedDays(settings.disk, settings.dir, settings.damaged)
  }

  /** Returns the days with counts that no closed day contains, oldest first. */
  async openDays(): Promise<UsageDay[]> {
    const open: UsageDay[] = []
    for (const day of journalDays(this.#disk, this.#dir)) {
      // A day with an unreadable file counts as open, so that the process that closes it handles the file.
      if (await this.#isOpen(day).catch(() => true)) open.push(day)
    }
    return open
  }

  async #isOpen(day: UsageDay): Promise<boolean> {
    const { contained } = await this.closed.of(day)
    for (const files of journalsOf(this.#disk, this.#dir, day).values()) {
      if (await unlessGone(this.#hasMore(files, contained))) return true
    }
    return false
  }

  async #hasMore(files: JournalFile[], contained: ClosedDay['contained']): Promise<boolean> {
    for (const file of files) {
      const upTo = contained[file.journalId]
      if (upTo === undefined) {
        const header = await readJournalHeader(this.#disk, file.path)
        if (header === undefined || header.format <= formatVersion) return true
      } else {
        const { lastSequence, isNewer } = await this.#inspectCached(file)
        if (!isNewer && lastSequence > upTo) return true
      }
    }
    return false
  }

  async #inspectCached(file: JournalFile): Promise<InspectedFile> {
    const size = this.#disk.statSync(file.path, { throwIfNoEntry: false })?.size ?? 0
    const cached = this.#inspected.get(file.path)
    if (cached?.size === size) return cached.file
    const inspected = await inspectJournal(this.#disk, file)
    this.#inspected.set(file.path, { size, file: inspected })
    return inspected
  }

  /** Yields what is counted of an open day. */
  totals(day: UsageDay): AsyncGenerator<readonly SeriesTotal[]> {
    const isReadable = (file: InspectedFile) => this.#isReadable(file)
    return readDayTotals({ ...this.#settings, closed: this.closed, isReadable }, day)
  }

  async *#totalsOf(
    files: readonly InspectedFile[],
    contained: ClosedDay['contained'],
  ): AsyncGenerator<readonly SeriesTotal[]> {
    for (const inspected of files) {
      const file = openToRead(this.#disk, inspected.path)
      try {
        yield* readTotals(this.#disk, file, inspected, contained[inspected.journalId] ?? 0)
      } finally {
        closeQuietly(this.#disk, file)
      }
    }
  }

  async #inspectFiles(journals: Map<string, JournalFile[]>): Promise<InspectedFile[]> {
    const inspected: InspectedFile[] = []
    for (const file of [...journals.values()].flat()) {
      const found = await this.#reading(file, () => inspectJournal(this.#disk, file))
      if (found !== undefined && this.#isReadable(found)) inspected.push(found)
    }
    return inspected
  }

  /** Returns the journals of a day. A path that can never be read as a file is set aside. */
  async #readableJournals(day: UsageDay): Promise<Map<string, JournalFile[]>> {
    const journals = journalsOf(this.#disk, this.#dir, day)
    for (const [journalId, files] of journals) {
      const readable: JournalFile[] = []
      for (const file of files) {
        const header = await this.#reading(file, async () => {
          const found = await readJournalHeader(this.#disk, file.path)
          // A file gets its name only with its header in it, so a missing header is damage.
          if (found === undefined) throw new Error(`${file.path} has no header`)
          return found
        })
        if (header !== undefined) readable.push(file)
      }
      if (readable.length > 0) journals.set(journalId, readable)
      else journals.delete(journalId)
    }
    return journals
  }

  /** Reads a file. @returns `undefined` if it was set aside @throws if the file may be readable later */
  async #reading<T>({ path }: JournalFile, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      if (!this.#settings.damaged.isLasting(path, error)) throw error
      this.#settings.damaged.setAside(path, 'its counts')
      return undefined
    }
  }

  #isReadable({ isNewer, path }: InspectedFile): boolean {
    if (isNewer && this.#reported.add(path)) this.#settings.onNewer(path)
    return !isNewer
  }

  /**
   * Creates the file of lines of a day once all its writers are done with it. The close happens when that file gets its name.
   * The file says which journals it contains, so a crash before the close changes nothing, and after it nothing is counted twice
   * although the journals still exist.
   *
   * @param mayCommit returns whether this process still holds the lease
   */
  async close(
    day: UsageDay,
    makeLines: MakeLines,
    { force, mayCommit }: { force: boolean; mayCommit: () => boolean },
  ): Promise<{ result: DayClose; name?: string }> {
    const writers = new Map<string, JournalOwner['state']>()
    const { revision, contained } = await this.closed.of(day)
    let waiting = 0
    const journals = await this.#readableJournals(day)
    for (const [journalId, files] of journals) {
      const writer = await this.#writer(journalId, files)
      writers.set(journalId, writer)
      if (writer !== 'done' && (await this.#hasMore(files, contained))) waiting += 1
    }
    if (writers.size === 0) {
      await this.#remove(day, [])
      return { result: { outcome: 'empty' } }
    }
    if (waiting > 0 && !force) return { result: { outcome: 'waiting', writers: waiting } }

    const files = await this.#inspectFiles(journals)
    const upTo: Record<string, number> = { ...contained }
    for (const { journalId, lastSequence } of files) {
      upTo[journalId] = Math.max(upTo[journalId] ?? 0, lastSequence)
    }
    const done = files.filter(({ journalId }) => writers.get(journalId) === 'done')
    for (const file of done) await this.#quarantine(file)
    if (!files.some(({ journalId, lastSequence }) => lastSequence > (contained[journalId] ?? 0))) {
      await this.#remove(day, done)
      return { result: { outcome: 'empty' } }
    }
    const totals: AsyncIterable<SeriesTotal> = {
      [Symbol.asyncIterator]: () => oneByOne(this.#totalsOf(files, contained)),
    }
    const name = closedDayName(day, revision)
    const header = newHeader({ day, revision, contained: upTo })
    const path = join(outboxFolder(this.#dir), name)
    const written = await writeLineFile(this.#disk, path, header, makeLines(totals, revision), mayCommit)
    if (written === undefined) return { result: { outcome: 'notLeader' } }
    await this.#remove(day, done)
    return { result: { outcome: 'closed', revision, ...written }, name }
  }

  /** Removes journals that a closed day contains and no process writes to. They are left by a crash between close and removal. */
  async sweep(outbox: Pick<Outbox, 'needs'>): Promise<void> {
    this.forgetOld(outbox)
    for (const day of journalDays(this.#disk, this.#dir)) {
      // The next close of the day handles a file that cannot be read.
      await this.#sweepDay(day).catch(() => {})
    }
  }

  /** Removes what is left of days that were closed and sent long ago. */
  forgetOld(outbox: Pick<Outbox, 'needs'> | undefined): void {
    if (outbox === undefined) return
    const hasJournals = (day: UsageDay) => journalsOf(this.#disk, this.#dir, day).size > 0
    this.closed.forgetOld(this.#settings.now(), (name, day) => !outbox.needs(name) && !hasJournals(day))
  }

  async #sweepDay(day: UsageDay): Promise<void> {
    const { contained } = await this.closed.of(day)
    const done: JournalFile[] = []
    for (const [journalId, files] of journalsOf(this.#disk, this.#dir, day)) {
      const upTo = contained[journalId]
      if (upTo === undefined || (await unlessGone(this.#hasMore(files, contained))) !== false) continue
      if ((await unlessGone(this.#writer(journalId, files))) === 'done') done.push(...files)
    }
    await this.#remove(day, done)
  }

  async #writer(journalId: string, files: JournalFile[]): Promise<JournalOwner['state']> {
    const owner = await journalOwner(this.#settings, files)
    if (owner.state === 'unseen' && this.#reported.add(journalId)) this.#settings.onUnseen(owner.host)
    return owner.state
  }

  /** Copies what follows the damage to `damaged`, where an operator can inspect it. */
  async #quarantine({ path, end }: InspectedFile): Promise<void> {
    if (end.how === 'damaged') {
      await this.#settings.damaged.copyFrom(path, end.at, 'the counts behind the damage')
    }
  }

  async #remove(day: UsageDay, files: readonly JournalFile[]): Promise<void> {
    const folder = journalFolder(this.#dir, day)
    try {
      await removeJournalFiles(this.#disk, folder, files, 'whole')
      for (const { path } of files) this.#inspected.delete(path)
      this.#disk.rmdirSync(folder)
    } catch (error) {
      // The folder may have other journals. The next start removes what could not be removed.
      if (codeOf(error) === undefined) throw error
    }
  }
}

/**
 * Resolves to `undefined` if another process removed a file since its name was read: a closed day or a compacted file contains
 * it now. `close()` does not use it, because there a missing file is a failure that must be retried.
 */
async function unlessGone<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
