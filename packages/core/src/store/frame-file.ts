import { decodeFrame, type Frame, frameSeed, frameTypes, holdsFrame } from '../counting/journal-frames.ts'
import { type Disk, readAt } from './disk.ts'

/** How a file of frames ends: with its last frame, with one that was being written (nobody was told of it), or in damage. */
export type FileEnd = { readonly at: number; readonly how: 'clean' | 'torn' | 'damaged' }

/** Enough for thousands of series; read and looked through without holding up the event loop. */
const chunkBytes = 256 * 1024
/** Small frames cost more than their bytes tell. */
const framesPerTurn = 1_000
/** How far behind a frame that cannot be read whole frames are looked for. */
const searchBytes = 4 * 1024 * 1024

/**
 * Gives every good frame of a file to `visit`, in order, in slices between which the event loop gets its turn.
 *
 * The first frame is a header; its JSON names the id from which the checksums of the others start.
 *
 * @param options.to read no further than to this offset @param options.from start there, at a frame behind the header
 * @param visit may end the reading by answering `false`
 */
export async function readFrames(
  disk: Disk,
  file: number,
  visit: (frame: Frame, at: number) => boolean | undefined,
  options: { from?: number; to?: number; seed?: number } = {},
): Promise<FileEnd> {
  const size = Math.min(disk.fstatSync(file).size, options.to ?? Number.POSITIVE_INFINITY)
  let seed = options.seed
  let start = options.from ?? 0
  let bytes: Buffer = Buffer.alloc(0)
  let wanted = chunkBytes
  let seen = 0
  for (;;) {
    bytes = await readAt(disk, file, start, Math.min(wanted, size - start))
    let at = 0
    let frame = decodeFrame(bytes, at, seed ?? 0)
    while (typeof frame === 'object') {
      if (visit(frame, start + at) === false) return { at: start + at, how: 'clean' }
      seed ??= seedOf(frame)
      at = frame.end
      if (++seen % framesPerTurn === 0) await new Promise((resolve) => setImmediate(resolve))
      frame = decodeFrame(bytes, at, seed ?? 0)
    }
    start += at
    const missing = typeof frame === 'number' ? frame : 0
    if (start >= size) return { at: start, how: 'clean' }
    if (missing === 0 || start + missing > size) {
      return { at: start, how: await judge(disk, file, start, size, frame === undefined, seed ?? 0) }
    }
    wanted = Math.max(chunkBytes, missing)
  }
}

/** Whether what cannot be read is an unfinished write, or was whole once. */
async function judge(
  disk: Disk,
  file: number,
  start: number,
  size: number,
  isWhole: boolean,
  seed: number,
): Promise<'torn' | 'damaged'> {
  const rest = await readAt(disk, file, start, Math.min(size - start, searchBytes))
  if (rest.every((byte) => byte === 0)) return 'torn'
  if (isWhole && rest.length > 1) return 'damaged'
  return holdsFrame(rest.subarray(1), seed) ? 'damaged' : 'torn'
}

function seedOf({ type, payload }: Frame): number {
  if (type !== frameTypes.header) return 0
  const header = JSON.parse(payload.toString()) as { journalId?: string; id?: string }
  return frameSeed(header.journalId ?? header.id ?? '')
}
