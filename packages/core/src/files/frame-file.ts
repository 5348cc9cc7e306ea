import { eventLoopTurn } from '../clock.ts'
import { type Disk, readAt } from './disk.ts'
import { decodeFrame, type Frame, frameSeed, frameTypes, holdsFrame } from './frames.ts'

/**
 * How a file of frames ends: after its last frame (`clean`), within a frame whose write never completed and was never
 * confirmed (`torn`), or in bytes that were damaged later (`damaged`).
 */
export type FileEnd = { readonly at: number; readonly how: 'clean' | 'torn' | 'damaged' }

/** The range of a file to read. */
export interface FrameRange {
  /** Offset to start from: that of a frame after the header. */
  from?: number
  /** Offset at which to stop. */
  to?: number
  /** The seed of the checksums; needed if the header is not read. */
  seed?: number
}

/** Bytes in one read. */
const chunkBytes = 256 * 1024
/** Small frames take more time than their bytes suggest, so this bounds the frames in one turn of the event loop. */
const framesPerTurn = 1_000
/** How far behind an unreadable frame the reader searches for intact frames. */
const searchBytes = 4 * 1024 * 1024

/**
 * Reads the intact frames of a file in order. The caller sets the pace: it calls `take()` until that returns `undefined`,
 * then `readOn()`.
 *
 * The first frame is a header. Its JSON names the id that seeds the checksums of the other frames.
 */
export class FrameReader {
  readonly #disk: Disk
  readonly #file: number
  #size: number
  #seed: number | undefined
  #buffer: Buffer = Buffer.alloc(0)
  /** The bytes of the last read. */
  #bytes: Buffer = this.#buffer
  /** Offset of `#bytes` in the file, and offset of the next frame in `#bytes`. */
  #start: number
  #at = 0
  /** What `decodeFrame` returned instead of a frame: how many bytes it needs, or `undefined`. */
  #rest: number | undefined = 0
  #end: FileEnd | undefined

  constructor(disk: Disk, file: number, { from = 0, to = Number.POSITIVE_INFINITY, seed }: FrameRange = {}) {
    this.#disk = disk
    this.#file = file
    this.#size = Math.min(disk.fstatSync(file).size, to)
    this.#seed = seed
    this.#start = from
  }

  /** Returns the next frame of what was read so far. Its payload is valid until the next `readOn()`. */
  take(): Frame | undefined {
    const frame = decodeFrame(this.#bytes, this.#at, this.#seed ?? 0)
    if (typeof frame !== 'object') {
      this.#rest = frame
      return undefined
    }
    this.#seed ??= seedOf(frame)
    this.#at = frame.end
    return frame
  }

  /** Reads the next bytes. @returns whether there is more to take */
  async readOn(): Promise<boolean> {
    const at = this.at
    const missing = this.#rest ?? 0
    if (at >= this.#size) this.#end = { at, how: 'clean' }
    else if (this.#rest === undefined || at + missing > this.#size) this.#end = await this.#judge(at)
    if (this.#end !== undefined) return false
    const length = Math.min(Math.max(chunkBytes, missing), this.#size - at)
    // One buffer for all reads: a new buffer for each chunk of a large file makes the garbage collector run more often.
    if (this.#buffer.length < length) this.#buffer = Buffer.allocUnsafe(length)
    this.#bytes = await readAt(this.#disk, this.#file, at, length, this.#buffer)
    // The writer of the file may have cut off an incomplete write since its size was read.
    if (this.#bytes.length < length) this.#size = at + this.#bytes.length
    this.#start = at
    this.#at = 0
    return true
  }

  /** Offset of the next frame. */
  get at(): number {
    return this.#start + this.#at
  }

  /** How the file ends, once everything is read; before that, the offset up to which all frames are intact. */
  get end(): FileEnd {
    return this.#end ?? { at: this.at, how: 'clean' }
  }

  /** Decides whether unreadable bytes are an unfinished write (`torn`) or were intact once (`damaged`). */
  async #judge(at: number): Promise<FileEnd> {
    const rest = await readAt(this.#disk, this.#file, at, Math.min(this.#size - at, searchBytes))
    const isWhole = this.#rest === undefined
    if (rest.every((byte) => byte === 0)) return { at, how: 'torn' }
    if (isWhole && rest.length > 1) return { at, how: 'damaged' }
    return { at, how: holdsFrame(rest.subarray(1), this.#seed ?? 0) ? 'damaged' : 'torn' }
  }
}

/**
 * Passes every intact frame of a file to `visit`, in order, and yields to the event loop between slices.
 *
 * @param visit may return `false` to stop; that frame does not count as read. Its payload is valid until `visit` returns
 */
export async function readFrames(
  disk: Disk,
  file: number,
  visit: (frame: Frame, at: number) => boolean | undefined,
  range: FrameRange = {},
): Promise<FileEnd> {
  const reader = new FrameReader(disk, file, range)
  let seen = 0
  while (await reader.readOn()) {
    for (let at = reader.at, frame = reader.take(); frame; at = reader.at, frame = reader.take()) {
      if (visit(frame, at) === false) return { at, how: 'clean' }
      if (++seen % framesPerTurn === 0) await eventLoopTurn()
    }
  }
  return reader.end
}

function seedOf({ type, payload }: Frame): number {
  if (type !== frameTypes.header) return 0
  const header = JSON.parse(payload.toString()) as { journalId?: string; id?: string }
  return frameSeed(header.journalId ?? header.id ?? '')
}
