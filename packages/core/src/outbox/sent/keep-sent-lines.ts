import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Clock } from '../../clock.ts'
import type { BitSet } from '../../files/bit-set.ts'
import {
  type Disk,
  namesIn,
  removeFile,
  removeStaleTemporaries,
  syncContent,
  writeLater,
} from '../../files/disk.ts'
import { removeQuietly } from '../../files/held-file.ts'
import type { UsageDay } from '../../model/series.ts'
import { closedDayOf } from '../closed-days.ts'
import { outboxFolder } from '../line-file.ts'
import { linesIn } from '../read-outbox.ts'
import {
  makeSentFolder,
  noteIncomplete,
  sentFileEnd,
  sentFileName,
  sentFilesIn,
  sentFolder,
} from './sent-files.ts'

const compress = promisify(gzip)
/** Lines that are compressed together, about 450 KB. */
const linesPerPart = 1_000
/** Lines that are decoded in one turn of the event loop. The service counts and responds in the same process. */
const linesPerTurn = 200
/** Days that delivered lines are kept: PX can be read for 190 days. */
const keptDays = 190
const dayMs = 86_400_000

/** The most bytes of delivered lines that are kept by default: 268435456 (256 MiB), about 6 million events. */
export const defaultSentBytes = 268_435_456

interface SentLinesSettings {
  disk: Disk
  dir: string
  clock: Pick<Clock, 'now'>
  /** The most bytes of all files. 0: nothing is kept. */
  keepBytes: number
}

/** A file of the outbox whose lines are all settled. */
interface FinishedFile {
  readonly path: string
  readonly header: { readonly id: string; readonly day?: UsageDay }
  /** Indexes of the lines that PX does not have. */
  readonly undelivered: BitSet
}

/** Keeps what was delivered, for operators. The process that sends writes it and never reads it. */
export class SentLines {
  readonly #settings: SentLinesSettings

  constructor(settings: SentLinesSettings) {
    this.#settings = settings
  }

  /**
   * Copies the delivered lines of a file that leaves the outbox, and removes the oldest copies. Never throws: a full disk must not
   * keep the file in the outbox, whose removal makes space.
   */
  async keep(file: FinishedFile): Promise<void> {
    const { disk, dir, clock, keepBytes } = this.#settings
    const day = file.header.day ?? dayOf(clock.now())
    try {
      if (keepBytes > 0) {
        this.#begin(day)
        await this.#copy(file)
      } else noteIncomplete(disk, dir, day)
      await this.#removeOld()
    } catch {
      // PX has the lines. Only their record is missing.
      try {
        noteIncomplete(disk, dir, day)
      } catch {
        // The day has no record at all, unless other files have lines of it.
      }
    }
  }

  /** Creates the folder. An earlier version, which kept nothing, may have sent the days before. */
  #begin(day: UsageDay): void {
    const { disk, dir } = this.#settings
    if (disk.statSync(sentFolder(dir), { throwIfNoEntry: false }) !== undefined) return
    const closed = namesIn(disk, outboxFolder(dir)).flatMap((name) => closedDayOf(name)?.day ?? [])
    const before = closed.filter((one) => one < day).at(-1)
    if (before === undefined) makeSentFolder(disk, dir)
    else noteIncomplete(disk, dir, before)
  }

  async #copy({ path, header, undelivered }: FinishedFile): Promise<void> {
    const { disk, dir } = this.#settings
    const folder = sentFolder(dir)
    // Its lines were kept before a crash, or before the disk failed to remove them from the outbox.
    if (namesIn(disk, folder).some((name) => name.endsWith(sentFileEnd(header.id)))) return
    const aside = join(folder, `${header.id}.${randomBytes(6).toString('hex')}.tmp`)
    const file = disk.openSync(aside, 'wx', 0o600)
    let days: { first: UsageDay; last: UsageDay } | undefined
    try {
      try {
        let at = 0
        let part: string[] = []
        const write = async () => {
          const bytes = await compress(part.join(''))
          await writeLater(disk, file, bytes, at)
          at += bytes.length
          part = []
        }
        for await (const { line, index } of linesIn(disk, path, linesPerTurn)) {
          if (undelivered.has(index)) continue
          const { day } = line
          days ??= { first: day, last: day }
          if (day < days.first) days.first = day
          if (day > days.last) days.last = day
          part.push(`${JSON.stringify(line)}\n`)
          if (part.length === linesPerPart) await write()
        }
        if (part.length > 0) await write()
        await syncContent(disk, file)
      } finally {
        disk.closeSync(file)
      }
      if (days !== undefined)
        disk.renameSync(aside, join(folder, sentFileName(days.first, days.last, header.id)))
    } finally {
      removeQuietly(disk, aside)
    }
  }

  async #removeOld(): Promise<void> {
    const { disk, dir, clock, keepBytes } = this.#settings
    removeStaleTemporaries(disk, sentFolder(dir), clock.now())
    let bytes = 0
    for (const { path, last } of sentFilesIn(disk, dir).reverse()) {
      bytes += disk.statSync(path).size
      if (bytes <= keepBytes && clock.now() - Date.parse(last) <= keptDays * dayMs) continue
      noteIncomplete(disk, dir, last)
      await removeFile(disk, path)
    }
  }
}

/** The day in UTC, of lines that belong to several days. */
function dayOf(epochMs: number): UsageDay {
  return new Date(epochMs).toISOString().slice(0, 10)
}
