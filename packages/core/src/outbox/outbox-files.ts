import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import type { DamagedFiles } from '../files/damaged-files.ts'
import type { Disk } from '../files/disk.ts'
import { closeQuietly, removeQuietly } from '../files/held-file.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import { RunQueue, type SendOrder } from './due-queue.ts'
import { type LineStates, unattempted } from './line-states.ts'
import { openLineFile } from './open-line-file.ts'
import {
  FreshLines,
  type LineRun,
  newOutboxFile,
  type OutboxFile,
  readLine,
  readSingleLines,
  runOfDay,
  type TouchedLine,
} from './outbox-file.ts'
import { type FileRecord, type StateSnapshot, snapshotOf, type TouchedState } from './outbox-log.ts'
import { retryUnreadMs, type UnreadFile, UnreadFiles } from './unread-files.ts'

export type OutboxClock = Pick<Clock, 'now' | 'elapsed'>

interface OutboxFilesSettings {
  disk: Disk
  folder: string
  clock: OutboxClock
  damaged: DamagedFiles
  states: LineStates<TouchedLine>
}

/** The files with lines to send, and the order in which they are sent. */
export class OutboxFiles {
  readonly #disk: Disk
  readonly #folder: string
  readonly #damaged: DamagedFiles
  readonly #states: LineStates<TouchedLine>
  readonly #open = new Set<OutboxFile>()
  /** The lines without an attempt, in the order of sending. */
  readonly #fresh = new RunQueue<FreshLines>()
  readonly #unread: UnreadFiles
  #numbers = 0

  constructor({ disk, folder, clock, damaged, states }: OutboxFilesSettings) {
    this.#disk = disk
    this.#folder = folder
    this.#states = states
    this.#damaged = damaged
    this.#unread = new UnreadFiles(clock)
  }

  get all(): ReadonlySet<OutboxFile> {
    return this.#open
  }

  needs(name: string): boolean {
    return this.#unread.has(name) || [...this.#open].some((file) => file.name === name)
  }

  /** Returns the next number for a file or a single line, in the order of arrival. */
  nextNumber(): number {
    this.#numbers += 1
    return this.#numbers
  }

  /** Opens a file. One that cannot be read now is tried again later, and delays no other. */
  async open(name: string, number: number, record: FileRecord): Promise<void> {
    const unread = { name, number, record }
    try {
      await this.#openNow(unread)
    } catch (error) {
      if (error instanceof UsageError) throw error
      this.#unread.add(unread)
    }
  }

  /** Opens the files that could not be read before. */
  retryUnread(): Promise<void> {
    return this.#unread.retry((file) => this.#openNow(file))
  }

  async #openNow({ name, number, record }: UnreadFile): Promise<void> {
    const path = join(this.#folder, name)
    const found = await openLineFile(this.#disk, path, this.#damaged)
    if (found === undefined) return
    const { file, header, headerEnd, size, end } = found
    const opened = newOutboxFile({ name, path, file, number, header, headerEnd, size }, record, end)
    try {
      if (end !== undefined) this.#indexDay(opened, record.touched)
      else await this.#indexSingly(opened, record.touched)
    } catch (error) {
      closeQuietly(this.#disk, file)
      throw error
    }
    // A process that ended just behind the last delivery did not finish the file. That takes a while, so it does not delay the start.
    if (size > headerEnd) this.#open.add(opened)
    else {
      closeQuietly(this.#disk, file)
      if (header.day === undefined) removeQuietly(this.#disk, path)
    }
  }

  /**
   * Removes the lines of a closed day that are all settled, and closes its file. If the disk fails, the file stays among those that are
   * tried again: without its record in the next log, a later process would send all its lines again.
   *
   * @returns whether the lines were removed
   */
  cutOff(file: OutboxFile): boolean {
    // The outbox was closed meanwhile.
    if (!this.#open.has(file)) return false
    let isCut = true
    try {
      this.#disk.ftruncateSync(file.file, file.headerEnd)
    } catch {
      isCut = false
      const { name, number, done, undelivered, isUnconfirmed } = file
      this.#unread.add({ name, number, record: { done, undelivered, touched: new Map(), isUnconfirmed } })
    }
    this.close(file)
    return isCut
  }

  /**
   * Removes the files of single lines that are all settled, once the log has their ids.
   *
   * @param except the file that grows
   * @param keep is called before a file is removed
   */
  async removeFinished(
    except: OutboxFile | undefined,
    keep: (file: OutboxFile) => Promise<void>,
  ): Promise<void> {
    for (const file of [...this.#open]) {
      if (file.open > 0 || file === except || file.header.day !== undefined) continue
      await keep(file)
      // The outbox was closed meanwhile.
      if (!this.#open.has(file)) continue
      this.close(file)
      removeQuietly(this.#disk, file.path)
    }
  }

  /** Indexes the file of a closed day, whose end has the number of lines: only lines with an attempt are read. */
  #indexDay(file: OutboxFile, touched: FileRecord['touched']): void {
    // A file that has only a header is finished.
    file.open = Math.max(0, file.end.lines - file.done.size)
    if (file.open === 0) return
    this.#states.count(unattempted(file.isUnconfirmed).state, file.open - touched.size)
    for (const [index, state] of touched) {
      const rank = index < file.end.totals ? 'total' : 'detail'
      const place = { day: file.header.day ?? '', rank, order: file.header.revision ?? 0 } as const
      this.#touch(state, { ...place, file, index })
    }
    for (const rank of ['total', 'detail'] as const) this.#addRun(file, runOfDay(file, rank))
  }

  /** Adds lines that were not read yet. */
  #addRun(file: OutboxFile, run: LineRun): void {
    this.#fresh.add(new FreshLines(this.#disk, file, run))
  }

  /** Indexes a file without an end by reading it: it has single lines, or its end is damaged. */
  async #indexSingly(file: OutboxFile, record: FileRecord['touched']): Promise<void> {
    const isSingle = file.header.day === undefined
    const found = await readSingleLines(this.#disk, file, record, ({ id }) => {
      if (isSingle) this.#states.remember(id)
    })
    const { runs, touched, lines, total, how, at } = found
    if (how === 'damaged' && isSingle) {
      await this.#damaged.copyFrom(file.path, at, 'the events behind the damage')
    }
    file.open += lines + touched.length
    this.#states.count(unattempted(file.isUnconfirmed).state, lines)
    // Both in the order of the file, which is that of arrival.
    const order = this.nextNumber()
    this.#numbers += total
    for (const { state, ...place } of touched)
      this.#touch(state, { ...place, file, order: order + place.index })
    for (const run of runs) this.#addRun(file, { ...run, order: order + run.first })
  }

  #touch(
    { dueAtMs, ...state }: TouchedState,
    place: Pick<TouchedLine, 'file' | 'index' | keyof SendOrder>,
  ): void {
    const line: TouchedLine = { ...state, ...place, dueAtElapsedMs: 0, isClaimed: false }
    line.file.touched.set(line.index, line)
    this.#states.add(line, dueAtMs)
  }

  /** Adds a new file for single lines. */
  begin(file: OutboxFile): void {
    this.#open.add(file)
  }

  /** Adds a line that was written at the end of such a file. */
  append(file: OutboxFile, line: OutboxLine, bytes: number): void {
    const { day, rank } = line
    const first = file.end.lines
    const one = { day, rank, first, end: first + 1 }
    const order = this.nextNumber()
    const { newest } = this.#fresh
    const isAdded = newest?.file === file && newest.grow(one)
    if (!isAdded) this.#addRun(file, { ...one, order, offset: file.size })
    this.#states.count(unattempted(file.isUnconfirmed).state, 1)
    file.open += 1
    file.end = { ...file.end, lines: first + 1 }
    file.size += bytes
  }

  /** Returns the first line to send now, and removes it from the order. */
  async next(): Promise<{ line: OutboxLine; touched: TouchedLine } | undefined> {
    for (;;) {
      const fresh = this.#fresh.peek()
      const due = this.#states.next(fresh)
      if (due !== undefined) {
        const lose = () => {
          this.#states.lose(due)
          this.end(due, false)
        }
        const line = await this.#read(due.file, () => readLine(this.#disk, due), lose).catch(
          (error: unknown) => {
            this.#states.wait(due, retryUnreadMs)
            throw error
          },
        )
        if (line !== undefined) return { line, touched: due }
      } else if (fresh !== undefined) {
        const next = await this.#read(
          fresh.file,
          () => fresh.next(),
          () => this.#skip(fresh),
        )
        if (next !== undefined) return next
      } else return undefined
    }
  }

  /**
   * Reads a line. A line that can never be read must not block the others.
   *
   * @param lose gives it up
   * @throws if the line may be readable later
   */
  async #read<T>({ path }: OutboxFile, read: () => Promise<T>, lose: () => unknown): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      if (!this.#damaged.isLasting(path, error)) throw error
      await this.#damaged.copyFrom(path, 0, 'events that were to be sent')
      await lose()
      return undefined
    }
  }

  /** Gives up a line that cannot be read, and those behind it that cannot be found. */
  async #skip(fresh: FreshLines): Promise<void> {
    const { file } = fresh
    for (const index of await fresh.skip()) {
      file.done.add(index)
      file.undelivered.add(index)
      file.open -= 1
      this.#states.count(unattempted(file.isUnconfirmed).state, -1)
    }
  }

  /** Notes that a line is over. @param isDelivered `false` for one that was rejected, withdrawn or lost */
  end({ file, index }: TouchedLine, isDelivered: boolean): void {
    file.touched.delete(index)
    file.done.add(index)
    if (!isDelivered) file.undelivered.add(index)
    file.open -= 1
  }

  /** Returns the snapshot with which a new log begins. A line that was claimed but has no attempt is as before the claim. */
  records(): StateSnapshot['files'] {
    const read = [...this.#open].map((file) => {
      const touched = new Map<number, TouchedState>()
      for (const line of file.touched.values()) {
        const { index, offset, state, attempts, attemptedAtMs } = line
        const dueAtMs = this.#states.dueAtMs(line)
        if (attempts > 0 || dueAtMs > 0)
          touched.set(index, { offset, state, attempts, attemptedAtMs, dueAtMs })
      }
      return snapshotOf({ ...file, touched })
    })
    return [...read, ...this.#unread.records()]
  }

  close(file: OutboxFile): void {
    this.#open.delete(file)
    this.#fresh.keep((fresh) => fresh.file !== file)
    closeQuietly(this.#disk, file.file)
  }
}
