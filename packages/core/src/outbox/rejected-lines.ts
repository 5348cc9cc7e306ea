import { join } from 'node:path'
import { UsageError } from '../errors.ts'
import { codeOf, type Disk, namesIn, syncContent, writeWhole } from '../files/disk.ts'
import { readFrames } from '../files/frame-file.ts'
import { encodeFrame, frameSeed, frameTypes } from '../files/frames.ts'
import type { RejectedLine } from '../model/outbox-line.ts'
import { decodeLine, encodeHeader, encodeLine, newHeader } from './line-file.ts'

const fileName = /^rejected\.(\d+)(?:-(\d+))?\.log$/

/** What an operator did to rejected lines. Earlier versions skip it, and show the lines. */
export interface Review {
  /** The id of the command. */
  readonly command: string
  readonly lines: readonly string[]
}

/** Stores lines that PX refused, with its reply. They stay until an operator removes the files. */
export class RejectedLines {
  readonly #disk: Disk
  readonly #folder: string
  readonly #epoch: number
  #open: { file: number; size: number; seed: number } | undefined

  constructor(disk: Disk, folder: string, epoch: number) {
    this.#disk = disk
    this.#folder = folder
    this.#epoch = epoch
  }

  /** Resolves when the lines are on the disk. Rejected lines then leave the outbox, so there is no other copy. */
  async add(lines: readonly RejectedLine[]): Promise<void> {
    if (lines.length === 0) return
    await this.#append((seed) =>
      lines.map(({ reason, rejectedAtMs, ...line }) =>
        encodeLine(line, seed, { text: reason, atMs: rejectedAtMs }),
      ),
    )
  }

  /** Notes that an operator sent lines again or discarded them, so that they are no longer among the rejected ones. */
  async review(review: Review): Promise<void> {
    await this.#append((seed) => [encodeFrame(frameTypes.change, Buffer.from(JSON.stringify(review)), seed)])
  }

  async #append(encode: (seed: number) => Buffer[]): Promise<void> {
    this.#open ??= this.#begin()
    const { file, size, seed } = this.#open
    const bytes = Buffer.concat(encode(seed))
    writeWhole(this.#disk, file, bytes, size)
    await syncContent(this.#disk, file)
    this.#open.size += bytes.length
  }

  /** Creates a file. It never opens an existing one: one leader may read the outbox twice, and would overwrite earlier lines. */
  #begin(): { file: number; size: number; seed: number } {
    for (let part = 0; ; part++) {
      const name = `rejected.${this.#epoch}${part === 0 ? '' : `-${part}`}.log`
      let file: number
      try {
        file = this.#disk.openSync(join(this.#folder, name), 'wx', 0o600)
      } catch (error) {
        if (codeOf(error) === 'EEXIST') continue
        throw error
      }
      const header = newHeader({})
      const bytes = encodeHeader(header)
      try {
        writeWhole(this.#disk, file, bytes, 0)
      } catch (error) {
        this.#disk.closeSync(file)
        throw error
      }
      return { file, size: bytes.length, seed: frameSeed(header.id) }
    }
  }

  close(): void {
    if (this.#open !== undefined) this.#disk.closeSync(this.#open.file)
    this.#open = undefined
  }
}

/**
 * Yields the lines that PX refused, oldest first. It reads the files of the sending process, which continues.
 *
 * @throws {UsageError} `PXU_ERR_STORE_UNREADABLE` after all readable lines, if some could not be read
 */
export async function* readRejectedLines(disk: Disk, folder: string): AsyncGenerator<RejectedLine> {
  const names = rejectedFilesIn(disk, folder)
  const reviewed = await readReviews(disk, folder)
  const seen = new Set<string>()
  const unread: string[] = []
  let cause: unknown
  for (const [file, name] of names.entries()) {
    const found: RejectedLine[] = []
    try {
      await readFile(disk, join(folder, name), (frame, at) => {
        if (!('line' in frame)) return
        const { line, more } = frame
        const isReviewed = isBefore({ file, at }, reviewed.get(line.id))
        if (!isReviewed) found.push({ ...line, reason: more?.text ?? '', rejectedAtMs: more?.atMs })
      })
    } catch (error) {
      cause ??= error
      unread.push(name)
    }
    for (const line of found) {
      // A crash between the two writes of a refusal leaves the line here twice.
      if (!seen.has(line.id)) yield line
      seen.add(line.id)
    }
  }
  if (unread.length === 0) return
  throw new UsageError(
    'PXU_ERR_STORE_UNREADABLE',
    `Some events that PX refused cannot be read: ${unread.join(', ')} in ${folder} (${(cause as Error).message}). The others were read.`,
    { cause },
  )
}

/** The place of a frame: the index of its file by age, and its offset. */
interface Place {
  readonly file: number
  readonly at: number
}

/** Whether a refusal comes before the last review of its line. A line that was sent again may be refused again. */
function isBefore({ file, at }: Place, review: Place | undefined): boolean {
  return review !== undefined && (file < review.file || (file === review.file && at < review.at))
}

/** Returns the last review of each line. A file that cannot be read has no reviews here; its lines are reported later. */
async function readReviews(disk: Disk, folder: string): Promise<Map<string, Place>> {
  const reviews = new Map<string, Place>()
  await eachReview(disk, folder, ({ lines }, place) => {
    for (const id of lines) reviews.set(id, place)
  })
  return reviews
}

/** Returns the review of a command, if it was written before a crash. */
export async function readReview(disk: Disk, folder: string, command: string): Promise<Review | undefined> {
  let found: Review | undefined
  await eachReview(disk, folder, (review) => {
    if (review.command === command) found = review
  })
  return found
}

async function eachReview(
  disk: Disk,
  folder: string,
  visit: (review: Review, place: Place) => void,
): Promise<void> {
  for (const [file, name] of rejectedFilesIn(disk, folder).entries()) {
    await readFile(disk, join(folder, name), (frame, at) => {
      if ('command' in frame) visit(frame, { file, at })
    }).catch(() => {})
  }
}

async function readFile(
  disk: Disk,
  path: string,
  visit: (frame: ReturnType<typeof decodeLine> | Review, at: number) => void,
): Promise<void> {
  const file = disk.openSync(path, 'r')
  try {
    const { how, at } = await readFrames(disk, file, ({ type, payload }, offset) => {
      if (type === frameTypes.line) visit(decodeLine(payload), offset)
      if (type === frameTypes.change) visit(JSON.parse(payload.toString()) as Review, offset)
      return true
    })
    // A torn end is normal: the write is in progress, or its process was killed, and the line is still in the outbox.
    if (how === 'damaged' || (how === 'torn' && at === 0)) throw new Error(`damaged at ${at}`)
  } finally {
    disk.closeSync(file)
  }
}

/** Returns the names of the files, oldest first. */
function rejectedFilesIn(disk: Disk, folder: string): string[] {
  return namesIn(disk, folder)
    .filter((one) => fileName.test(one))
    .sort(byAge)
}

function byAge(a: string, b: string): number {
  const [[, epochA, partA = '0'], [, epochB, partB = '0']] = [fileName.exec(a) ?? [], fileName.exec(b) ?? []]
  return Number(epochA) - Number(epochB) || Number(partA) - Number(partB)
}
