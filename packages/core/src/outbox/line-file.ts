import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { ByteReader, ByteWriter } from '../files/bytes.ts'
import { codeOf, type Disk, readAt, removeFile, syncContent, syncFolder, writeLater } from '../files/disk.ts'
import { readFrames } from '../files/frame-file.ts'
import {
  decodeFrame,
  encodeFrame,
  formatVersion,
  frameHeadBytes,
  frameSeed,
  frameTypes,
} from '../files/frames.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'

/** The first frame of a file of lines, as JSON. */
export interface LineFileHeader {
  readonly format: number
  readonly id: string
  /** Only in the file of a closed day. A file without it has single lines, and may grow. */
  readonly day?: UsageDay
  readonly revision?: number
  /** The last sequence, by journal, that this and the earlier files of the day contain. */
  readonly contained?: Readonly<Record<string, number>>
  /** Only in a shipment: the process whose counts it has. */
  readonly writer?: { readonly host: string; readonly boot: string }
}

/** The last frame in the file of a closed day. */
export interface LineFileEnd {
  readonly lines: number
  readonly totals: number
  /** Offset of the first detail; totals come before. */
  readonly detailsAt: number
}

const endBytes = frameHeadBytes + 24
const writeBytes = 256 * 1024
const ranks = ['total', 'detail'] as const
const kinds = ['event', 'user', 'account'] as const

/** Returns the folder with the files of lines of a store. */
export function outboxFolder(dir: string): string {
  return join(dir, 'outbox')
}

export function newHeader(header: Omit<LineFileHeader, 'format' | 'id'>): LineFileHeader {
  return { format: formatVersion, id: randomBytes(8).toString('hex'), ...header }
}

export function encodeHeader(header: LineFileHeader): Buffer {
  return encodeFrame(frameTypes.header, Buffer.from(JSON.stringify(header)), 0)
}

/** What follows a line that PX refused. An earlier version wrote no time. */
interface Remark {
  text: string
  atMs: number | undefined
}

export function encodeLine(line: OutboxLine, seed: number, more?: Remark): Buffer {
  const out = new ByteWriter(256 + line.body.length)
  out.varint(ranks.indexOf(line.rank))
  out.varint(kinds.indexOf(line.kind))
  out.number(line.calls)
  out.text(line.day)
  out.text(line.id)
  out.text(line.body)
  if (more !== undefined) {
    out.text(more.text)
    if (more.atMs !== undefined) out.number(more.atMs)
  }
  return encodeFrame(frameTypes.line, out.written(), seed)
}

/** Decodes a line, and what follows it if there is something. */
export function decodeLine(payload: Buffer): { line: OutboxLine; more: Remark | undefined } {
  const input = new ByteReader(payload)
  const rank = ranks[input.varint()] as OutboxLine['rank']
  const kind = kinds[input.varint()] as OutboxLine['kind']
  const calls = input.number()
  const line: OutboxLine = { rank, kind, calls, day: input.text(), id: input.text(), body: input.text() }
  if (input.isAtEnd) return { line, more: undefined }
  return { line, more: { text: input.text(), atMs: input.isAtEnd ? undefined : input.number() } }
}

/**
 * Writes the lines of a closed day, totals first. Naming the file is the last step: before it there is no file, after it the
 * file is complete. If two processes do it, one succeeds.
 *
 * @param mayCommit called just before that step
 * @returns what was written; `undefined` if another process was first or this one lost its lease
 */
export async function writeLineFile(
  disk: Disk,
  path: string,
  header: LineFileHeader,
  lines: AsyncIterable<OutboxLine>,
  mayCommit: () => boolean,
): Promise<{ lines: number; calls: number } | undefined> {
  const seed = frameSeed(header.id)
  const aside = `${path}.${header.id}.tmp`
  const details = `${aside}-details`
  const main = new Appender(disk, aside)
  let rest: Appender | undefined
  let totals = 0
  let count = 0
  let calls = 0
  try {
    await main.add(encodeHeader(header))
    for await (const line of lines) {
      const frame = encodeLine(line, seed)
      count += 1
      calls += line.calls
      if (line.rank === 'total') {
        totals += 1
        await main.add(frame)
      } else {
        rest ??= new Appender(disk, details)
        await rest.add(frame)
      }
    }
    const detailsAt = main.length
    if (rest !== undefined) {
      await rest.flush()
      await main.addFile(rest)
    }
    const end = Buffer.alloc(24)
    for (const [place, value] of [count, totals, detailsAt].entries()) end.writeDoubleLE(value, place * 8)
    await main.add(encodeFrame(frameTypes.end, end, seed))
    await main.flush()
    await syncContent(disk, main.file)
    if (count === 0) calls = 0
    if (!mayCommit()) return undefined
    if (!nameOnce(disk, aside, path)) return undefined
    await syncFolder(disk, dirname(path))
    return { lines: count, calls }
  } finally {
    await main.remove()
    await rest?.remove()
  }
}

/** Gives the file a second name if that name is free. @returns whether it was */
function nameOnce(disk: Disk, aside: string, path: string): boolean {
  try {
    disk.linkSync(aside, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(codeOf(error) ?? '')) throw error
  }
  // Without hard links the check and the rename are two steps, but only the leader gets here.
  if (disk.statSync(path, { throwIfNoEntry: false }) !== undefined) return false
  disk.renameSync(aside, path)
  return true
}

/** Reads header and end of a file. A file that has only a header is finished. */
export async function readLineFile(
  disk: Disk,
  file: number,
): Promise<{ header: LineFileHeader; headerEnd: number; end: LineFileEnd | undefined; size: number }> {
  let header: LineFileHeader | undefined
  let headerEnd = 0
  await readFrames(disk, file, ({ type, payload, end }) => {
    if (type !== frameTypes.header) return false
    header = JSON.parse(payload.toString()) as LineFileHeader
    headerEnd = end
    return false
  })
  if (header === undefined) throw new Error('it has no header that can be read')
  const { size } = disk.fstatSync(file)
  if (size === headerEnd) return { header, headerEnd, size, end: { lines: 0, totals: 0, detailsAt: size } }
  if (size < headerEnd + endBytes) return { header, headerEnd, size, end: undefined }
  const frame = decodeFrame(await readAt(disk, file, size - endBytes, endBytes), 0, frameSeed(header.id))
  if (typeof frame !== 'object' || frame.type !== frameTypes.end) {
    return { header, headerEnd, size, end: undefined }
  }
  const value = (place: number) => frame.payload.readDoubleLE(place * 8)
  return { header, headerEnd, size, end: { lines: value(0), totals: value(1), detailsAt: value(2) } }
}

/** Collects small writes into large ones. */
class Appender {
  readonly file: number
  length = 0
  readonly #disk: Disk
  readonly #path: string
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #written = 0

  constructor(disk: Disk, path: string) {
    this.#disk = disk
    this.#path = path
    this.file = disk.openSync(path, 'w+', 0o600)
  }

  async add(bytes: Buffer): Promise<void> {
    this.length += bytes.length
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes >= writeBytes) await this.flush()
  }

  async addFile(other: Appender): Promise<void> {
    for (let at = 0; at < other.length; at += writeBytes) {
      await this.add(await readAt(this.#disk, other.file, at, writeBytes))
    }
  }

  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting)
    this.#waiting = []
    this.#waitingBytes = 0
    await writeLater(this.#disk, this.file, bytes, this.#written)
    this.#written += bytes.length
  }

  async remove(): Promise<void> {
    this.#disk.closeSync(this.file)
    await removeFile(this.#disk, this.#path)
  }
}
