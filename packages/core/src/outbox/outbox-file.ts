import { join } from 'node:path'
import { type Disk, readAt, syncFolder, writeWhole } from '../files/disk.ts'
import { decodeFrame, type Frame, frameHeadBytes, frameSeed, frameTypes } from '../files/frames.ts'
import { discardFile } from '../files/held-file.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'
import type { SendOrder } from './due-queue.ts'
import { decodeLine, encodeHeader, type LineFileEnd, type LineFileHeader, newHeader } from './line-file.ts'
import { type OpenLine, unattempted } from './line-states.ts'
import { emptyRecord, type FileRecord } from './outbox-log.ts'

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

/** Reads the lines of one rank of a closed day one after the other, without those that have an attempt. */
export class FreshLines implements SendOrder {
  readonly day: UsageDay
  readonly rank: OutboxLine['rank']
  readonly order: number
  readonly #disk: Disk
  readonly file: OutboxFile
  readonly #last: number
  #index: number
  #offset: number

  constructor(disk: Disk, of: OutboxFile, rank: OutboxLine['rank']) {
    this.#disk = disk
    this.file = of
    this.day = of.header.day ?? ''
    this.rank = rank
    this.order = of.header.revision ?? 0
    this.#index = rank === 'total' ? 0 : of.end.totals
    this.#last = rank === 'total' ? of.end.totals : of.end.lines
    this.#offset = rank === 'total' ? of.headerEnd : of.end.detailsAt
  }

  /** Returns the indexes of the lines that were not read yet. */
  rest(): number[] {
    const indexes: number[] = []
    for (; this.#index < this.#last; this.#index++) {
      if (!this.file.done.has(this.#index) && !this.file.touched.has(this.#index)) indexes.push(this.#index)
    }
    return indexes
  }

  /** Returns the next line and its position; `undefined` when all have been read. */
  async next(): Promise<{ line: OutboxLine; touched: TouchedLine } | undefined> {
    for (; this.#index < this.#last; ) {
      const index = this.#index
      const offset = this.#offset
      const { payload } = await readFrameAt(this.#disk, this.file, offset)
      this.#index += 1
      this.#offset = offset + frameHeadBytes + payload.length
      if (this.file.done.has(index) || this.file.touched.has(index)) continue
      const { line } = decodeLine(payload)
      const touched: TouchedLine = {
        file: this.file,
        index,
        offset,
        day: this.day,
        rank: this.rank,
        order: this.order,
        ...unattempted(this.file.isUnconfirmed),
        dueAtElapsedMs: 0,
        isClaimed: false,
      }
      this.file.touched.set(index, touched)
      return { line, touched }
    }
    return undefined
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
