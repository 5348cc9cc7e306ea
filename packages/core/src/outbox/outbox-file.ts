import { join } from 'node:path'
import { type Disk, readAt, syncContent, syncFolder, writeWhole } from '../files/disk.ts'
import { type FileEnd, readFrames } from '../files/frame-file.ts'
import { decodeFrame, type Frame, frameHeadBytes, frameSeed, frameTypes } from '../files/frames.ts'
import { discardFile } from '../files/held-file.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'
import type { SendOrder } from './due-queue.ts'
import {
  decodeLine,
  encodeHeader,
  encodeLine,
  type LineFileEnd,
  type LineFileHeader,
  newHeader,
} from './line-file.ts'
import { type OpenLine, unattempted } from './line-states.ts'
import { emptyRecord, type FileRecord, type TouchedState } from './outbox-log.ts'

/** A line with an attempt, or a single line. Its body stays in the file. */
export interface TouchedLine extends OpenLine {
  readonly file: OutboxFile
  readonly index: number
  readonly offset: number
}

/** What is known of a file of lines. Of lines without an attempt, only how far they were read is known. */
export interface OutboxFile extends Omit<FileRecord, 'touched'> {
  readonly name: string
  readonly path: string
  readonly file: number
  readonly header: LineFileHeader
  readonly headerEnd: number
  end: LineFileEnd
  size: number
  /** Lines that are neither delivered nor rejected. */
  open: number
  readonly number: number
  readonly touched: Map<number, TouchedLine>
  /** The bytes that were read last, and their offset. */
  chunk: Buffer
  chunkAt: number
}

/** @param record what the log contains about the file, of which only the lines with an attempt are added later */
export function newOutboxFile(
  opened: Pick<OutboxFile, 'name' | 'path' | 'file' | 'number' | 'header' | 'headerEnd' | 'size'>,
  { done, undelivered, isUnconfirmed }: Omit<FileRecord, 'touched'> = emptyRecord(),
  end: LineFileEnd = { lines: 0, totals: 0, detailsAt: opened.headerEnd },
): OutboxFile {
  const unread = { chunk: Buffer.alloc(0), chunkAt: 0 }
  return { ...opened, end, open: 0, done, undelivered, isUnconfirmed, touched: new Map(), ...unread }
}

const chunkBytes = 64 * 1024

/** Lines that follow each other in a file: their day and rank, their indexes, and where the first one begins. */
export interface LineRun extends SendOrder {
  readonly first: number
  /** The index behind the last one. */
  readonly end: number
  readonly offset: number
}

/** Returns the lines of one rank of a closed day. */
export function runOfDay({ header, end, headerEnd }: OutboxFile, rank: OutboxLine['rank']): LineRun {
  const place = { day: header.day ?? '', rank, order: header.revision ?? 0 }
  return rank === 'total'
    ? { ...place, first: 0, end: end.totals, offset: headerEnd }
    : { ...place, first: end.totals, end: end.lines, offset: end.detailsAt }
}

/** The lines of a file without an end that are not over. */
interface SingleLines {
  readonly runs: ReadonlyArray<Omit<LineRun, 'order'>>
  /** Number of lines in the runs. */
  readonly lines: number
  /** Number of all lines, also of those that are over. */
  readonly total: number
  /** The lines with an attempt. */
  readonly touched: ReadonlyArray<Pick<TouchedLine, 'index' | 'day' | 'rank'> & { state: TouchedState }>
}

/** Reads every line of a file, to find those that are not over. */
export async function readSingleLines(
  disk: Disk,
  { file, done }: OutboxFile,
  record: FileRecord['touched'],
  onLine: (line: OutboxLine) => void,
): Promise<SingleLines & FileEnd> {
  const runs: Array<Omit<LineRun, 'order'> & { end: number }> = []
  const touched: Array<SingleLines['touched'][number]> = []
  let last: (typeof runs)[number] | undefined
  let index = -1
  let lines = 0
  const visit = (line: OutboxLine, offset: number): void => {
    const { day, rank } = line
    index += 1
    onLine(line)
    if (done.has(index)) return
    const state = record.get(index)
    if (state !== undefined) {
      touched.push({ index, day, rank, state })
      last = undefined
      return
    }
    lines += 1
    if (last?.day === day && last.rank === rank) {
      last.end = index + 1
      return
    }
    last = { day, rank, first: index, end: index + 1, offset }
    runs.push(last)
  }
  const end = await readFrames(disk, file, ({ type, payload }, offset) => {
    if (type === frameTypes.line) visit(decodeLine(payload).line, offset)
    return true
  })
  return { ...end, runs, lines, touched, total: index + 1 }
}

/**
 * Reads a run of lines one after the other, without those that have an attempt. Memory has nothing of a line before it is read, because
 * a backfill puts millions.
 */
export class FreshLines implements SendOrder {
  readonly day: UsageDay
  readonly rank: OutboxLine['rank']
  readonly #disk: Disk
  readonly file: OutboxFile
  readonly #order: number
  readonly #first: number
  #last: number
  #index: number
  #offset: number

  constructor(disk: Disk, of: OutboxFile, { day, rank, order, first, end, offset }: LineRun) {
    this.#disk = disk
    this.file = of
    this.day = day
    this.rank = rank
    this.#order = order
    this.#first = first
    this.#index = first
    this.#last = end
    this.#offset = offset
  }

  /**
   * The place of the next line. Each single line has one of its own, as single lines that wait are sent in the order of arrival. It
   * grows, but not beyond the place of a later run.
   */
  get order(): number {
    return this.file.header.day === undefined ? this.#order + this.#index - this.#first : this.#order
  }

  /** Whether all lines were read. A file that grows may have more later. */
  get isAtEnd(): boolean {
    return this.#index >= this.#last
  }

  /** Adds lines that follow directly, if they are of the same day and rank. @returns whether they are */
  grow({ day, rank, first, end }: Omit<LineRun, 'order' | 'offset'>): boolean {
    if (first !== this.#last || day !== this.day || rank !== this.rank) return false
    this.#last = end
    return true
  }

  /** Returns the next line and its position; `undefined` when all have been read. */
  async next(): Promise<{ line: OutboxLine; touched: TouchedLine } | undefined> {
    while (!this.isAtEnd) {
      const index = this.#index
      const { order } = this
      const offset = this.#offset
      const { payload } = await readFrameAt(this.#disk, this.file, offset)
      this.#index += 1
      this.#offset = offset + frameHeadBytes + payload.length
      if (this.#isOver(index)) continue
      const { line } = decodeLine(payload)
      const touched: TouchedLine = {
        file: this.file,
        index,
        offset,
        day: this.day,
        rank: this.rank,
        order,
        ...unattempted(this.file.isUnconfirmed),
        dueAtElapsedMs: 0,
        isClaimed: false,
      }
      this.file.touched.set(index, touched)
      return { line, touched }
    }
    return undefined
  }

  /**
   * Skips a line that can never be read. If its length is damaged as well, the next line is not found, so the rest of the run is skipped.
   *
   * @returns the indexes of the lines without an attempt among those that were skipped
   */
  async skip(): Promise<number[]> {
    const index = this.#index
    const head = await readAt(this.#disk, this.file.file, this.#offset, frameHeadBytes)
    const next = this.#offset + frameHeadBytes + (head.length < frameHeadBytes ? 0 : head.readUInt32LE(6))
    const isFound = await readFrameAt(this.#disk, this.file, next).then(
      () => true,
      () => false,
    )
    this.#index = isFound ? index + 1 : this.#last
    this.#offset = next
    const skipped = Array.from({ length: this.#index - index }, (_, place) => index + place)
    return skipped.filter((one) => !this.#isOver(one))
  }

  #isOver(index: number): boolean {
    return this.file.done.has(index) || this.file.touched.has(index)
  }
}

/**
 * Reads one frame at an offset. Frames that follow each other are read from the disk together.
 *
 * It reads only up to the known size of the file, because a failed write that will be repeated may follow.
 */
async function readFrameAt(disk: Disk, of: OutboxFile, offset: number): Promise<Frame> {
  const seed = frameSeed(of.header.id)
  for (;;) {
    const at = offset - of.chunkAt
    const isRead = at >= 0 && at < of.chunk.length
    const frame = isRead ? decodeFrame(of.chunk, at, seed) : frameHeadBytes
    if (typeof frame === 'object') return frame
    const left = of.size - offset
    if (frame === undefined || frame > left) throw unreadable(of, offset)
    of.chunk = await readAt(disk, of.file, offset, Math.min(Math.max(chunkBytes, frame), left))
    of.chunkAt = offset
    if (of.chunk.length < frame) throw unreadable(of, offset)
  }
}

/** Reads the body of one line. */
export async function readLine(disk: Disk, { file: of, offset }: TouchedLine): Promise<OutboxLine> {
  const { type, payload } = await readFrameAt(disk, of, offset)
  if (type !== frameTypes.line) throw unreadable(of, offset)
  return decodeLine(payload).line
}

function unreadable({ path }: OutboxFile, offset: number): Error {
  return new Error(`${path} cannot be read at ${offset}`)
}

/** Creates a file for single lines. @param note records it; if that fails, the file is removed */
export async function beginPutFile(
  disk: Disk,
  folder: string,
  number: number,
  note: (file: { number: number; name: string }) => void,
): Promise<OutboxFile> {
  const header = newHeader({})
  const name = `put.${header.id}.lines`
  const path = join(folder, name)
  const bytes = encodeHeader(header)
  const aside = `${path}.tmp`
  const file = disk.openSync(aside, 'wx+', 0o600)
  try {
    writeWhole(disk, file, bytes, 0)
    disk.renameSync(aside, path)
    await syncFolder(disk, folder)
    note({ number, name })
  } catch (error) {
    discardFile(disk, file, aside, path)
    throw error
  }
  return newOutboxFile({ name, path, file, number, header, headerEnd: bytes.length, size: bytes.length })
}

/** Writes lines behind the known size of a file. If that fails, they are cut off while the file is open. @returns their lengths in bytes */
export async function writeLines(
  disk: Disk,
  { file, header, size }: OutboxFile,
  lines: readonly OutboxLine[],
  isOpen: () => boolean,
): Promise<number[]> {
  const seed = frameSeed(header.id)
  const frames = lines.map((line) => encodeLine(line, seed))
  try {
    writeWhole(disk, file, Buffer.concat(frames), size)
    await syncContent(disk, file)
  } catch (error) {
    if (isOpen()) disk.ftruncateSync(file, size)
    throw error
  }
  return frames.map(({ length }) => length)
}
