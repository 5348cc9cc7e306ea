import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import type { DamagedFiles } from '../files/damaged-files.ts'
import type { Disk } from '../files/disk.ts'
import { readFrames } from '../files/frame-file.ts'
import { frameTypes } from '../files/frames.ts'
import { closeQuietly } from '../files/held-file.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import { compare, DueQueue, longestWaitMs, type SendOrder } from './due-queue.ts'
import { decodeLine } from './line-file.ts'
import { openLineFile } from './open-line-file.ts'
import { FreshLines, type OutboxFile, readLine, type TouchedLine } from './outbox-file.ts'
import type { StateSnapshot, TouchedState } from './outbox-log.ts'
import { type FileRecord, retryUnreadMs, type UnreadFile, UnreadFiles } from './unread-files.ts'

export type OutboxClock = Pick<Clock, 'now' | 'elapsed'>

interface OutboxFilesSettings {
  disk: Disk
  folder: string
  clock: OutboxClock
  damaged: DamagedFiles
}

/** The files with lines to send, and the order in which they are sent. */
export class OutboxFiles {
  readonly #disk: Disk
  readonly #folder: string
  readonly #damaged: DamagedFiles
  readonly #clock: OutboxClock
  readonly #open = new Set<OutboxFile>()
  readonly #queue = new DueQueue<TouchedLine>()
  #fresh: FreshLines[] = []
  readonly #unread: UnreadFiles
  #numbers = 0
  #unconfirmed = 0

  constructor({ disk, folder, clock, damaged }: OutboxFilesSettings) {
    this.#disk = disk
    this.#folder = folder
    this.#clock = clock
    this.#damaged = damaged
    this.#unread = new UnreadFiles(clock)
  }

  get all(): ReadonlySet<OutboxFile> {
    return this.#open
  }

  needs(name: string): boolean {
    return this.#unread.has(name) || [...this.#open].some((file) => file.name === name)
  }

  get unconfirmed(): number {
    return this.#unconfirmed
  }

  /** Returns the next number for a file or a single line, in the order of arrival. */
  nextNumber(): number {
    this.#numbers += 1
    return this.#numbers
  }

  /** Opens a file. One that cannot be read now is tried again later, and delays no other. @param onPut gets the id of each single line */
  async open(name: string, number: number, record: FileRecord, onPut: (id: string) => void): Promise<void> {
    const unread = { name, number, record, onPut }
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

  async #openNow({ name, number, record, onPut }: UnreadFile): Promise<void> {
    const path = join(this.#folder, name)
    const found = await openLineFile(this.#disk, path, this.#damaged)
    if (found === undefined) return
    const { file, header, headerEnd, size, end } = found
    const { done, isUnconfirmed } = record
    const opened: OutboxFile = {
      ...{ name, path, file, number, header, headerEnd, size, done, isUnconfirmed },
      end: end ?? { lines: 0, totals: 0, detailsAt: headerEnd },
      open: 0,
      touched: new Map(),
      chunk: Buffer.alloc(0),
      chunkAt: 0,
    }
    try {
      if (end !== undefined) this.#indexDay(opened, record.touched)
      else await this.#indexSingly(opened, record.touched, onPut)
    } catch (error) {
      closeQuietly(this.#disk, file)
      throw error
    }
    if (opened.open > 0) {
      this.#open.add(opened)
      return
    }
    closeQuietly(this.#disk, file)
    try {
      if (header.day === undefined) this.#disk.rmSync(path, { force: true })
    } catch {
      // It has no lines left to send, so the next process removes it.
    }
  }

  /** Indexes the file of a closed day, whose end has the number of lines: only lines with an attempt are read. */
  #indexDay(file: OutboxFile, touched: FileRecord['touched']): void {
    // A file that has only a header is finished.
    file.open = Math.max(0, file.end.lines - file.done.size)
    if (file.open === 0) return
    if (file.isUnconfirmed) this.#unconfirmed += file.open - touched.size
    for (const [index, state] of touched) {
      const rank = index < file.end.totals ? 'total' : 'detail'
      const place = { day: file.header.day ?? '', rank, order: file.header.revision ?? 0 } as const
      this.#touch(state, { ...place, file, index })
    }
    const fresh = [new FreshLines(this.#disk, file, 'total'), new FreshLines(this.#disk, file, 'detail')]
    this.#fresh = [...this.#fresh, ...fresh].sort(compare)
  }

  /** Indexes every line, for a file without an end: it has single lines, or its end is damaged. */
  async #indexSingly(
    file: OutboxFile,
    touched: FileRecord['touched'],
    onPut: (id: string) => void,
  ): Promise<void> {
    const lines: Array<{ offset: number; line: Pick<OutboxLine, 'id' | 'day' | 'rank'> }> = []
    const { how, at } = await readFrames(this.#disk, file.file, ({ type, payload }, offset) => {
      if (type !== frameTypes.line) return
      const { id, day, rank } = decodeLine(payload).line
      lines.push({ offset, line: { id, day, rank } })
    })
    if (how === 'damaged' && file.header.day === undefined) {
      await this.#damaged.copyFrom(file.path, at, 'the events behind the damage')
    }
    for (const [index, { offset, line }] of lines.entries()) {
      if (file.header.day === undefined) onPut(line.id)
      this.#indexLine(file, index, offset, line, touched.get(index))
    }
  }

  #indexLine(
    file: OutboxFile,
    index: number,
    offset: number,
    { day, rank }: Pick<OutboxLine, 'day' | 'rank'>,
    known?: TouchedState,
  ): void {
    if (file.done.has(index)) return
    file.open += 1
    const state: TouchedState = known ?? {
      offset,
      state: file.isUnconfirmed ? 'unconfirmed' : 'pending',
      attempts: file.isUnconfirmed ? 1 : 0,
      attemptedAtMs: undefined,
      dueAtMs: 0,
    }
    this.#touch(state, { day, rank, order: this.nextNumber(), file, index })
  }

  #touch(
    { dueAtMs, ...state }: TouchedState,
    place: Pick<TouchedLine, 'file' | 'index' | keyof SendOrder>,
  ): void {
    const dueAtElapsedMs = dueAtMs === 0 ? 0 : this.#clock.elapsed() + this.#waitUntil(dueAtMs)
    const line: TouchedLine = { ...state, ...place, dueAtElapsedMs, isClaimed: false }
    if (line.state === 'unconfirmed') this.#unconfirmed += 1
    line.file.touched.set(line.index, line)
    this.#queue.add(line)
  }

  /** Bounds the wait, because the wall clock may have jumped by years since the wait was recorded. */
  #waitUntil(dueAtMs: number): number {
    return Math.min(Math.max(dueAtMs - this.#clock.now(), 0), longestWaitMs)
  }

  /** Adds a new file for single lines. */
  begin(file: OutboxFile): void {
    this.#open.add(file)
  }

  /** Adds a line that was written at the end of such a file. */
  append(file: OutboxFile, line: OutboxLine, bytes: number): void {
    this.#indexLine(file, file.end.lines, file.size, line)
    file.end = { ...file.end, lines: file.end.lines + 1 }
    file.size += bytes
  }

  /** Returns the first line to send now, and removes it from the order. */
  async next(): Promise<{ line: OutboxLine; touched: TouchedLine } | undefined> {
    for (;;) {
      const due = this.#queue.peek(this.#clock.elapsed())
      const fresh = this.#fresh[0]
      if (due !== undefined && (fresh === undefined || compare(due, fresh) <= 0)) {
        this.#queue.take(due)
        const line = await this.#read(due.file, () => readLine(this.#disk, due)).catch((error: unknown) => {
          this.wait(due, retryUnreadMs)
          throw error
        })
        if (line !== undefined) return { line, touched: due }
        this.move(due, 'done')
      } else if (fresh !== undefined) {
        const next = await this.#read(fresh.file, () => fresh.next())
        if (next !== undefined) return next
        this.#lose(fresh)
        this.#fresh = this.#fresh.filter((other) => other !== fresh)
      } else return undefined
    }
  }

  /** Reads a line. A line that can never be read must not block the others. @throws if the line may be readable later */
  async #read<T>({ path }: OutboxFile, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      if (!this.#damaged.isLasting(path, error)) throw error
      await this.#damaged.copyFrom(path, 0, 'events that were to be sent')
      return undefined
    }
  }

  /** Gives up the lines after one that cannot be read. Does nothing if all have been read. */
  #lose(fresh: FreshLines): void {
    const { file } = fresh
    for (const index of fresh.rest()) {
      file.done.add(index)
      file.open -= 1
      if (file.isUnconfirmed) this.#unconfirmed -= 1
    }
  }

  /** Returns how long until the first line that is not due yet falls due. */
  nextDueInMs(): number | undefined {
    const elapsedMs = this.#clock.elapsed()
    this.#queue.peek(elapsedMs)
    return this.#queue.nextDueInMs(elapsedMs)
  }

  /** Makes a line wait for `waitMs`. */
  wait(line: TouchedLine, waitMs: number): void {
    line.file.touched.set(line.index, line)
    line.dueAtElapsedMs = this.#clock.elapsed() + waitMs
    this.#queue.add(line)
  }

  move(line: TouchedLine, state: 'pending' | 'unconfirmed' | 'done'): void {
    if (line.state === 'unconfirmed') this.#unconfirmed -= 1
    if (state === 'unconfirmed') this.#unconfirmed += 1
    if (state !== 'done') {
      line.state = state
      return
    }
    this.#queue.remove(line)
    line.file.touched.delete(line.index)
    line.file.done.add(line.index)
    line.file.open -= 1
  }

  /** Returns the snapshot with which a new log begins. A line that was claimed but has no attempt is as before the claim. */
  records(): StateSnapshot['files'] {
    const read = [...this.#open].map(({ number, name, done, isUnconfirmed, touched }) => ({
      number,
      name,
      done: done.toString(),
      isSuspect: isUnconfirmed,
      touched: [...touched.values()]
        .filter((line) => line.attempts > 0 || this.#dueAtMs(line) > 0)
        .map((line) => {
          const { index, offset, state, attempts, attemptedAtMs } = line
          const known = { offset, state, attempts, attemptedAtMs, dueAtMs: this.#dueAtMs(line) }
          return [index, known] satisfies [number, TouchedState]
        }),
    }))
    return [...read, ...this.#unread.records()]
  }

  /** Returns the due time by the wall clock, the only one a later process can compare with; 0 for a line that does not wait. */
  #dueAtMs({ isClaimed, dueAtElapsedMs }: TouchedLine): number {
    const waitMs = isClaimed ? 0 : dueAtElapsedMs - this.#clock.elapsed()
    return waitMs > 0 ? this.#clock.now() + waitMs : 0
  }

  close(file: OutboxFile): void {
    this.#open.delete(file)
    this.#fresh = this.#fresh.filter((fresh) => fresh.file !== file)
    closeQuietly(this.#disk, file.file)
  }
}
