import { join } from 'node:path'
import type { DamagedFiles } from '../files/damaged-files.ts'
import { codeOf, type Disk, makeFolder, namesIn, removeFile } from '../files/disk.ts'
import { closeQuietly, openToRead, withFile } from '../files/held-file.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { SeriesTotal, UsageDay } from '../model/series.ts'
import { type LineFileHeader, newHeader, readLineFile, writeLineFile } from '../outbox/line-file.ts'
import {
  type JournalFile,
  journalDays,
  journalFolder,
  journalsOf,
  removeJournalFiles,
} from './journal-files.ts'
import { inspectJournal, readTotals } from './journal-reader.ts'
import {
  type JournalWriterId,
  parseShipmentName,
  readShipment,
  shipmentFolder,
  shipmentName,
} from './shipment-files.ts'

/** A file of lines with counts of a journal, which another store takes as they are. Its lines never change. */
export interface Shipment {
  readonly number: number
  readonly path: string
  readonly bytes: number
  /** By the clock of the file system. */
  readonly writtenAtMs: number
}

/** Some totals of a day. */
export interface DaySlice {
  readonly day: UsageDay
  readonly totals: readonly SeriesTotal[]
}

/** Creates the lines of a shipment from all counts of a journal. */
export type MakeShipment = (counts: AsyncIterable<DaySlice>) => AsyncIterable<OutboxLine>

export interface ShipmentsSettings {
  disk: Disk
  dir: string
  journalId: string
  /** Who wrote the journal. */
  writer: JournalWriterId
  damaged: DamagedFiles
  /** Called for a file of a newer px-usage, which this one must not change. */
  onNewer(path: string): void
}

/** In the header of a shipment that replaced earlier ones: the last of them. Its other names are days. */
const replaced = 'shipments'

/** The counts of one journal on their way to another store. */
export interface ShippedJournal {
  readonly journalId: string
  /** Returns the shipments that wait or are kept, oldest first. A file that can never be read is set aside. @throws what the disk throws */
  list(): Promise<Shipment[]>
  /** Returns whether the journal has counts that no shipment contains. */
  hasCounts(): Promise<boolean>
  /**
   * Turns all counts of the journal into a shipment, in one step.
   *
   * @param seal makes the files of a day complete; only for a journal that is being written
   * @returns `undefined` if there were no counts, or if another process was first
   * @throws what the disk throws; then nothing has changed
   */
  freeze(makeLines: MakeShipment, seal?: (day: UsageDay) => Promise<void>): Promise<Shipment | undefined>
  /**
   * Replaces all shipments by one, in one step.
   *
   * @param change creates its lines from theirs
   * @throws what the disk throws; then nothing has changed
   */
  rewrite(change: (lines: AsyncIterable<OutboxLine>) => AsyncIterable<OutboxLine>): Promise<void>
  /** Yields the lines of a shipment. What follows damage is set aside and reported. @throws what the disk throws */
  lines(shipment: Shipment): AsyncIterable<OutboxLine>
  /** Removes a shipment that the other store has. */
  remove(shipment: Shipment): Promise<void>
}

/** Keeps shipments in files. Each says which files of the journal it contains, so that a crash at any step doubles and loses nothing. */
export class Shipments implements ShippedJournal {
  readonly journalId: string
  readonly #settings: ShipmentsSettings
  readonly #disk: Disk
  readonly #folder: string
  /** What each shipment contains, by path. */
  readonly #contained = new Map<string, Readonly<Record<string, number>>>()
  #lastNumber = 0

  constructor(settings: ShipmentsSettings) {
    this.journalId = settings.journalId
    this.#settings = settings
    this.#disk = settings.disk
    this.#folder = shipmentFolder(settings.dir)
  }

  async list(): Promise<Shipment[]> {
    const found: Shipment[] = []
    let replacedUpTo = 0
    for (const name of namesIn(this.#disk, this.#folder)) {
      const parsed = parseShipmentName(name)
      if (parsed?.journalId !== this.journalId) continue
      const path = join(this.#folder, name)
      const contained = await this.#reading(path, () => this.#containedIn(path))
      if (contained === undefined) continue
      const { size, mtimeMs } = this.#disk.statSync(path)
      found.push({ number: parsed.number, path, bytes: size, writtenAtMs: mtimeMs })
      replacedUpTo = Math.max(replacedUpTo, contained[replaced] ?? 0)
    }
    found.sort((a, b) => a.number - b.number)
    this.#lastNumber = Math.max(this.#lastNumber, found.at(-1)?.number ?? 0)
    const current = found.filter(({ number }) => number > replacedUpTo)
    // A crash left them.
    for (const shipment of found) if (shipment.number <= replacedUpTo) await this.remove(shipment)
    return current
  }

  async #containedIn(path: string): Promise<Readonly<Record<string, number>>> {
    let contained = this.#contained.get(path)
    if (contained === undefined) {
      const { header } = await withFile(this.#disk, path, (file) => readLineFile(this.#disk, file))
      contained = header.contained ?? {}
      this.#contained.set(path, contained)
    }
    return contained
  }

  async hasCounts(): Promise<boolean> {
    return (await this.#files()).length > 0
  }

  /** Returns the files with counts that no shipment contains. Removes the others, which a crash left. */
  async #files(): Promise<Array<JournalFile & { day: UsageDay }>> {
    const { dir } = this.#settings
    const shipments = await this.list()
    const files: Array<JournalFile & { day: UsageDay }> = []
    for (const day of journalDays(this.#disk, dir)) {
      const own = journalsOf(this.#disk, dir, day).get(this.journalId) ?? []
      const last = Math.max(0, ...shipments.map(({ path }) => this.#contained.get(path)?.[day] ?? 0))
      const contained = own.filter((file) => file.last <= last)
      if (contained.length > 0) await this.#removeFiles(day, contained)
      for (const file of own) if (file.last > last) files.push({ ...file, day })
    }
    return files
  }

  async #removeFiles(day: UsageDay, files: readonly JournalFile[]): Promise<void> {
    const folder = journalFolder(this.#settings.dir, day)
    await removeJournalFiles(this.#disk, folder, files, 'whole')
  }

  async freeze(
    makeLines: MakeShipment,
    seal: (day: UsageDay) => Promise<void> = async () => {},
  ): Promise<Shipment | undefined> {
    // Files that are created from here on belong to the next shipment, so the list comes before the seal.
    const files = await this.#files()
    if (files.length === 0) return undefined
    const upTo: Record<string, number> = {}
    for (const { day, last } of files) upTo[day] = Math.max(upTo[day] ?? 0, last)
    for (const day of Object.keys(upTo)) await seal(day)
    let isNewer = false
    const onNewer = () => {
      isNewer = true
    }
    const shipment = await this.#write(upTo, makeLines(this.#countsOf(files, onNewer)), () => !isNewer)
    if (shipment === 'taken' || isNewer) return undefined
    for (const day of Object.keys(upTo)) {
      await this.#removeFiles(
        day,
        files.filter((file) => file.day === day),
      )
    }
    return shipment
  }

  async *#countsOf(
    files: ReadonlyArray<JournalFile & { day: UsageDay }>,
    onNewer: () => void,
  ): AsyncGenerator<DaySlice> {
    const { damaged } = this.#settings
    for (const file of files) {
      const inspected = await this.#reading(file.path, () => inspectJournal(this.#disk, file))
      if (inspected === undefined) continue
      if (inspected.isNewer) {
        this.#settings.onNewer(file.path)
        onNewer()
        return
      }
      if (inspected.end.how === 'damaged') {
        await damaged.copyFrom(file.path, inspected.end.at, 'the counts behind the damage')
      }
      const open = openToRead(this.#disk, file.path)
      try {
        for await (const totals of readTotals(this.#disk, open, inspected, 0)) yield { day: file.day, totals }
      } finally {
        closeQuietly(this.#disk, open)
      }
    }
  }

  /** Reads a file. @returns `undefined` if it was set aside, or another process removed it @throws if it may be readable later */
  async #reading<T>(path: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      if (!this.#settings.damaged.isLasting(path, error)) throw error
      this.#settings.damaged.setAside(path, 'its counts')
      return undefined
    }
  }

  /** @returns `undefined` if there were no lines, `'taken'` if another process wrote that shipment */
  async #write(
    contained: Record<string, number>,
    lines: AsyncIterable<OutboxLine>,
    mayCommit: () => boolean,
  ): Promise<Shipment | 'taken' | undefined> {
    let count = 0
    const counting = async function* () {
      for await (const line of lines) {
        count += 1
        yield line
      }
    }
    const number = this.#lastNumber + 1
    const path = join(this.#folder, shipmentName(this.journalId, number))
    makeFolder(this.#disk, this.#folder)
    const header: LineFileHeader = newHeader({ contained, writer: this.#settings.writer })
    const isToName = () => count > 0 && mayCommit()
    const written = await writeLineFile(this.#disk, path, header, counting(), isToName)
    if (written === undefined) return isToName() ? 'taken' : undefined
    this.#lastNumber = number
    this.#contained.set(path, contained)
    const { size, mtimeMs } = this.#disk.statSync(path)
    return { number, path, bytes: size, writtenAtMs: mtimeMs }
  }

  async rewrite(change: (lines: AsyncIterable<OutboxLine>) => AsyncIterable<OutboxLine>): Promise<void> {
    const shipments = await this.list()
    const last = shipments.at(-1)
    if (last === undefined) return
    const all = async function* (this: Shipments) {
      for (const shipment of shipments) yield* this.lines(shipment)
    }
    const contained = Object.assign({}, ...shipments.map(({ path }) => this.#contained.get(path)), {
      [replaced]: last.number,
    })
    const written = await this.#write(contained, change(all.call(this)), () => true)
    if (written === 'taken') return
    for (const shipment of shipments) await this.remove(shipment)
  }

  async *lines({ path }: Shipment): AsyncGenerator<OutboxLine> {
    const end = yield* readShipment(this.#disk, path)
    if (end !== undefined) {
      await this.#settings.damaged.copyFrom(path, end, 'the counts behind the damage')
    }
  }

  async remove({ path }: Shipment): Promise<void> {
    await removeFile(this.#disk, path)
    this.#contained.delete(path)
  }
}
