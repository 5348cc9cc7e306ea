import { basename, join } from 'node:path'
import { type ClosedDay, ClosedDays, closedDayName } from './closed-days.ts'
import { codeOf, type Disk, makeFolder, readAt, writeLater } from './disk.ts'
import {
  formatVersion,
  type JournalFile,
  journalDays,
  journalFolder,
  journalsOf,
  removeJournalFiles,
} from './journal-files.ts'
import { type JournalOwner, journalOwner } from './journal-owner.ts'
import {
  type InspectedFile,
  inspectJournal,
  inspectOpenJournal,
  oneByOne,
  readJournalHeader,
  readTotals,
} from './journal-reader.ts'
import { newHeader, writeLineFile } from './line-file.ts'
import { outboxFolder } from './outbox.ts'
import type { DayClose, RollUp, SeriesTotal, UsageDay } from './store.ts'

export interface DayJournalsSettings {
  disk: Disk
  dir: string
  now(): number
  /** Told once for each file. */
  onDamage(path: string, what: string): void
  onNewer(path: string): void
  /** Told once for each journal: its writer lives, or lived, on another host. */
  onUnseen(host: string): void
}

/** A journal file, and its number as long as it is open. */
interface OpenJournal {
  readonly journal: JournalFile
  readonly file: number
}

/** The journals of all writers in a folder: which days they are of, what they add up to, and how a day is closed. */
export class DayJournals {
  readonly #settings: DayJournalsSettings
  readonly #disk: Disk
  readonly #dir: string
  readonly closed: ClosedDays
  readonly #told = new Set<string>()
  /** What was found in files that a closed day contains in part: by path, as long as the size stays. */
  readonly #inspected = new Map<string, { size: number; file: InspectedFile }>()

  constructor(settings: DayJournalsSettings) {
    this.#settings = settings
    this.#disk = settings.disk
    this.#dir = settings.dir
    this.closed = new ClosedDays(settings.disk, settings.dir)
  }

  /** Days with counts that no closed day contains, oldest first. */
  async openDays(): Promise<UsageDay[]> {
    const open: UsageDay[] = []
    for (const day of journalDays(this.#disk, this.#dir)) {
      const { contained } = await this.closed.of(day)
      for (const files of journalsOf(this.#disk, this.#dir, day).values()) {
        if (!(await unlessGone(this.#hasMore(files, contained)))) continue
        open.push(day)
        break
      }
    }
    return open
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

  /**
   * What is counted of an open day. All its files are opened before one is read, so that the day can be closed or its files
   * be joined meanwhile, also by another process: these are the totals of the moment before, or there are none any more.
   */
  async *totals(day: UsageDay): AsyncGenerator<readonly SeriesTotal[]> {
    const { contained, files } = await this.#openDay(day)
    try {
      for (const { journal, file } of files) {
        const inspected = await inspectOpenJournal(this.#disk, journal, file)
        if (!this.#isReadable(inspected)) continue
        yield* readTotals(this.#disk, file, inspected, contained[journal.journalId] ?? 0)
      }
    } finally {
      for (const { file } of files) this.#disk.closeSync(file)
    }
  }

  async #openDay(day: UsageDay): Promise<{ contained: ClosedDay['contained']; files: OpenJournal[] }> {
    for (;;) {
      const { contained, revision } = await this.closed.of(day)
      const files: OpenJournal[] = []
      let isWhole = false
      try {
        for (const journal of [...journalsOf(this.#disk, this.#dir, day).values()].flat()) {
          files.push({ journal, file: this.#disk.openSync(journal.path, 'r') })
        }
        isWhole = (await this.closed.of(day)).revision === revision
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error
      } finally {
        if (!isWhole) for (const { file } of files) this.#disk.closeSync(file)
      }
      if (isWhole) return { contained, files }
    }
  }

  async *#totalsOf(
    files: readonly InspectedFile[],
    contained: ClosedDay['contained'],
  ): AsyncGenerator<readonly SeriesTotal[]> {
    for (const inspected of files) {
      const file = this.#disk.openSync(inspected.path, 'r')
      try {
        yield* readTotals(this.#disk, file, inspected, contained[inspected.journalId] ?? 0)
      } finally {
        this.#disk.closeSync(file)
      }
    }
  }

  async #inspectDay(day: UsageDay): Promise<InspectedFile[]> {
    const inspected: InspectedFile[] = []
    for (const files of journalsOf(this.#disk, this.#dir, day).values()) {
      for (const file of files) {
        const found = await inspectJournal(this.#disk, file)
        if (this.#isReadable(found)) inspected.push(found)
      }
    }
    return inspected
  }

  #isReadable({ isNewer, path }: InspectedFile): boolean {
    if (isNewer && this.#isNews(path)) this.#settings.onNewer(path)
    return !isNewer
  }

  #isNews(what: string): boolean {
    if (this.#told.has(what)) return false
    this.#told.add(what)
    return true
  }

  /**
   * Rolls a day up into a file of lines, if all its writers are done with it. The moment that file gets its name is the
   * close: it tells which journals it contains, so that a crash before it changes nothing, and after it nothing is counted
   * twice, though the journals are still there.
   *
   * @param mayCommit whether this process still has the lead
   */
  async close(
    day: UsageDay,
    rollUp: RollUp,
    { force, mayCommit }: { force: boolean; mayCommit: () => boolean },
  ): Promise<{ answer: DayClose; name?: string }> {
    const writers = new Map<string, JournalOwner['state']>()
    const { revision, contained } = await this.closed.of(day)
    let waiting = 0
    for (const [journalId, files] of journalsOf(this.#disk, this.#dir, day)) {
      const writer = await this.#writer(journalId, files)
      writers.set(journalId, writer)
      if (writer !== 'done' && (await this.#hasMore(files, contained))) waiting += 1
    }
    if (writers.size === 0) return { answer: { outcome: 'empty' } }
    if (waiting > 0 && !force) return { answer: { outcome: 'waiting', writers: waiting } }

    const files = await this.#inspectDay(day)
    const upTo: Record<string, number> = { ...contained }
    for (const { journalId, lastSequence } of files) {
      upTo[journalId] = Math.max(upTo[journalId] ?? 0, lastSequence)
    }
    const done = files.filter(({ journalId }) => writers.get(journalId) === 'done')
    for (const file of done) await this.#quarantine(day, file)
    if (!files.some(({ journalId, lastSequence }) => lastSequence > (contained[journalId] ?? 0))) {
      await this.#remove(day, done)
      return { answer: { outcome: 'empty' } }
    }
    const totals: AsyncIterable<SeriesTotal> = {
      [Symbol.asyncIterator]: () => oneByOne(this.#totalsOf(files, contained)),
    }
    const name = closedDayName(day, revision)
    const header = newHeader({ day, revision, contained: upTo })
    const path = join(outboxFolder(this.#dir), name)
    const written = await writeLineFile(this.#disk, path, header, rollUp(totals, revision), mayCommit)
    if (written === undefined) return { answer: { outcome: 'elsewhere' } }
    await this.#remove(day, done)
    return { answer: { outcome: 'closed', revision, ...written }, name }
  }

  /** Removes journals that a closed day contains and nobody writes to: a crash came between the two. */
  async sweep(): Promise<void> {
    for (const day of journalDays(this.#disk, this.#dir)) {
      const { contained } = await this.closed.of(day)
      for (const [journalId, files] of journalsOf(this.#disk, this.#dir, day)) {
        const upTo = contained[journalId]
        if (upTo === undefined || (await unlessGone(this.#hasMore(files, contained))) !== false) continue
        if ((await unlessGone(this.#writer(journalId, files))) === 'done') await this.#remove(day, files)
      }
    }
  }

  async #writer(journalId: string, files: JournalFile[]): Promise<JournalOwner['state']> {
    const owner = await journalOwner(this.#disk, this.#dir, files, this.#settings.now())
    if (owner.state === 'unseen' && this.#isNews(journalId)) this.#settings.onUnseen(owner.host)
    return owner.state
  }

  /** Keeps what stands behind the damage, for whoever wants to look at it. */
  async #quarantine(day: UsageDay, { path, end }: InspectedFile): Promise<void> {
    if (end.how !== 'damaged') return
    const folder = join(this.#dir, 'damaged')
    makeFolder(this.#disk, folder)
    const copy = join(folder, `${day}.${basename(path)}.bad`)
    const from = this.#disk.openSync(path, 'r')
    const to = this.#disk.openSync(copy, 'w', 0o600)
    try {
      for (let at = end.at; ; ) {
        const bytes = await readAt(this.#disk, from, at, 256 * 1024)
        if (bytes.length === 0) break
        await writeLater(this.#disk, to, bytes, at - end.at)
        at += bytes.length
      }
    } finally {
      this.#disk.closeSync(from)
      this.#disk.closeSync(to)
    }
    if (this.#isNews(path)) this.#settings.onDamage(path, copy)
  }

  async #remove(day: UsageDay, files: readonly JournalFile[]): Promise<void> {
    try {
      for (const file of files) {
        await removeJournalFiles(this.#disk, this.#dir, day, file, 'whole')
        this.#inspected.delete(file.path)
      }
      this.#disk.rmdirSync(journalFolder(this.#dir, day))
    } catch (error) {
      // Other journals may be there. What could not be removed is swept away at the next start.
      if (codeOf(error) === undefined) throw error
    }
  }
}

/**
 * What was found, or nothing if another process removed a file since its name was read: a closed day contains it now, or
 * another file of its journal. To close a day that is not enough to know, so there it is a failure, and tried again.
 */
async function unlessGone<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
