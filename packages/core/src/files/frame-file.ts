import { eventLoopTurn } from '../clock.ts'
import { type Disk, readAt } from './disk.ts'
import { decodeFrame, type Frame, frameSeed, frameTypes, holdsFrame } from './frames.ts'

/** How a file of frames ends: with its last frame, with one that was being written (nobody was told of it), or in damage. */
export type FileEnd = { readonly at: number; readonly how: 'clean' | 'torn' | 'damaged' }

/** Which part of a file is read. */
export interface FrameRange {
  /** Start there, at a frame behind the header. */
  from?: number
  /** Read no further than to this offset. */
  to?: number
  /** What the checksums start from; needed if the header is not read. */
  seed?: number
}

/** Read at once, off the event loop. */
const chunkBytes = 256 * 1024
/** Small frames cost more than their bytes tell. */
const framesPerTurn = 1_000
/** How far behind a frame that cannot be read whole frames are looked for. */
const searchBytes = 4 * 1024 * 1024

/**
 * The good frames of a file, in order. Whoever reads says when: `take()` until it has none, then `readOn()`.
 *
 * The first frame is a header; its JSON names the id from which the checksums of the others start.
 */
export class FrameReader {
  readonly #disk: Disk
  readonly #file: number
  #size: number
  #seed: number | undefined
  #buffer: Buffer = Buffer.alloc(0)
  /** What was read of it last. */
  #bytes: Buffer = this.#buffer
  /** Where `#bytes` start in the file, and where in them the next frame does. */
  #start: number
  #at = 0
  /** What `decodeFrame` told of bytes that are no frame: how many it needs, or nothing. */
  #rest: number | undefined = 0
  #end: FileEnd | undefined

  constructor(disk: Disk, file: number, { from = 0, to = Number.POSITIVE_INFINITY, seed }: FrameRange = {}) {
    this.#disk = disk
    this.#file = file
    this.#size = Math.min(disk.fstatSync(file).size, to)
    this.#seed = seed
    this.#start = from
  }

  /** The next frame of what was read so far. Its payload is good until the next `readOn()`. */
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

  /** @returns whether there is more to take */
  async readOn(): Promise<boolean> {
    const at = this.at
    const missing = this.#rest ?? 0
    if (at >= this.#size) this.#end = { at, how: 'clean' }
    else if (this.#rest === undefined || at + missing > this.#size) this.#end = await this.#judge(at)
    if (this.#end !== undefined) return false
    const length = Math.min(Math.max(chunkBytes, missing), this.#size - at)
    // One buffer for all: a new one for each chunk of a large file brings the garbage collector in more often.
    if (this.#buffer.length < length) this.#buffer = Buffer.allocUnsafe(length)
    this.#bytes = await readAt(this.#disk, this.#file, at, length, this.#buffer)
    // Its writer may have cut back what it could not write whole.
    if (this.#bytes.length < length) this.#size = at + this.#bytes.length
    this.#start = at
    this.#at = 0
    return true
  }

  /** Offset of the next frame. */
  get at(): number {
    return this.#start + this.#at
  }

  /** How the file ends, once there is nothing more to read; until then what was read is good. */
  get end(): FileEnd {
    return this.#end ?? { at: this.at, how: 'clean' }
  }

  /** Whether what cannot be read is an unfinished write, or was whole once. */
  async #judge(at: number): Promise<FileEnd> {
    const rest = await readAt(this.#disk, this.#file, at, Math.min(this.#size - at, searchBytes))
    const isWhole = this.#rest === undefined
    if (rest.every((byte) => byte === 0)) return { at, how: 'torn' }
    if (isWhole && rest.length > 1) return { at, how: 'damaged' }
    return { at, how: holdsFrame(rest.subarray(1), this.#seed ?? 0) ? 'damaged' : 'torn' }
  }
}

/**
 * Gives every good frame of a file to `visit`, in order, in slices between which the event loop gets its turn.
 *
 * @param visit may end the reading by answering `false`; that frame is not read then. The payload is good until it answers
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
