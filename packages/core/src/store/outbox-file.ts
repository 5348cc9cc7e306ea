import { decodeFrame, type Frame, frameHeadBytes, frameSeed, frameTypes } from '../counting/journal-frames.ts'
import { type Disk, readAt } from './disk.ts'
import { decodeLine, type LineFileEnd, type LineFileHeader } from './line-file.ts'
import type { Place, Waiting } from './line-queue.ts'
import type { TouchedState } from './state-log.ts'
import type { OutboxLine, UsageDay } from './store.ts'

/** A line that somebody began to send, or that was put singly. Its body stays in the file. */
export interface TouchedLine extends Waiting, Omit<TouchedState, 'dueAtMs'> {
  readonly file: OutboxFile
  readonly index: number
  readonly offset: number
  isClaimed: boolean
}

/** What is known of a file of lines; of those that nobody touched only how far they have been read. */
export interface OutboxFile {
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
  readonly done: BitSet
  readonly touched: Map<number, TouchedLine>
  /** Lines of which nobody knows any more whether they were sent. */
  isSuspect: boolean
  /** What was read of the file last, and where it stands. */
  chunk: Buffer
  chunkAt: number
}

/** Bits by index, one byte for eight. */
export class BitSet {
  #bytes: Uint8Array
  #size = 0

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#bytes = bytes
    for (const byte of bytes) for (let rest = byte; rest > 0; rest &= rest - 1) this.#size += 1
  }

  get size(): number {
    return this.#size
  }

  has(index: number): boolean {
    return ((this.#bytes[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
  }

  add(index: number): void {
    if (this.has(index)) return
    this.#size += 1
    if (index >> 3 >= this.#bytes.length) {
      const larger = new Uint8Array(Math.max(64, ((index >> 3) + 1) * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes[index >> 3] = (this.#bytes[index >> 3] as number) | (1 << (index & 7))
  }

  toString(): string {
    return Buffer.from(this.#bytes).toString('base64')
  }
}

const chunkBytes = 64 * 1024

/** Reads the lines of a closed day one after the other: those of one rank that nobody touched yet. */
export class FreshLines implements Place {
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

  /** Indexes of the lines that were not read yet. */
  rest(): number[] {
    const indexes: number[] = []
    for (; this.#index < this.#last; this.#index++) {
      if (!this.file.done.has(this.#index) && !this.file.touched.has(this.#index)) indexes.push(this.#index)
    }
    return indexes
  }

  /** The next line, and where it stands; `undefined` when all have been read. */
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
        state: this.file.isSuspect ? 'unknown' : 'pending',
        attempts: this.file.isSuspect ? 1 : 0,
        attemptedAtMs: undefined,
        dueAtElapsedMs: 0,
        isClaimed: false,
      }
      return { line, touched }
    }
    return undefined
  }
}

/**
 * One frame by its offset. Those that stand behind each other are read from the disk together.
 *
 * No further than the file is known to go: behind that may stand a write that failed and is made again.
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

/** One line by its place. */
export async function readLine(disk: Disk, { file: of, offset }: TouchedLine): Promise<OutboxLine> {
  const { type, payload } = await readFrameAt(disk, of, offset)
  if (type !== frameTypes.line) throw unreadable(of, offset)
  return decodeLine(payload).line
}

function unreadable({ path }: OutboxFile, offset: number): Error {
  return new Error(`${path} cannot be read at ${offset}`)
}
