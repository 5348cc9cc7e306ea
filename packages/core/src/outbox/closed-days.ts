import { join } from 'node:path'
import type { DamagedFiles } from '../files/damaged-files.ts'
import { codeOf, type Disk, namesIn } from '../files/disk.ts'
import { removeQuietly, withFile } from '../files/held-file.ts'
import type { UsageDay } from '../model/series.ts'
import { type LineFileHeader, outboxFolder, readLineFile } from './line-file.ts'

/** What the files of lines of a day contain, according to their headers. */
export interface ClosedDay {
  /** The revision of the next close. */
  readonly revision: number
  /** The last sequence that is contained, by journal. */
  readonly contained: Readonly<Record<string, number>>
}

const fileName = /^(\d{4}-\d\d-\d\d)\.(\d+)\.lines$/
/** Days that a closed day is remembered: no journal should disappear and come back after a longer time. */
const keptDays = 40

export function closedDayName(day: UsageDay, revision: number): string {
  return `${day}.${revision}.lines`
}

/** Returns the day and the revision in the name of a file of lines, or `undefined` for another file. */
export function closedDayOf(name: string): { day: UsageDay; revision: number } | undefined {
  const [, day, revision] = fileName.exec(name) ?? []
  return day === undefined ? undefined : { day, revision: Number(revision) }
}

export class ClosedDays {
  readonly #disk: Disk
  readonly #folder: string
  readonly #damaged: DamagedFiles
  /** Headers by name, valid while the same file has that name. */
  readonly #headers = new Map<string, { ino: number; header: LineFileHeader }>()

  constructor(disk: Disk, dir: string, damaged: DamagedFiles) {
    this.#disk = disk
    this.#folder = outboxFolder(dir)
    this.#damaged = damaged
  }

  /** Returns what the closed revisions of a day contain. @throws what the disk throws, if the file may be readable later */
  async of(day: UsageDay): Promise<ClosedDay> {
    const revisions = namesIn(this.#disk, this.#folder)
      .map((name) => fileName.exec(name))
      .filter((match) => match?.[1] === day)
      .map((match) => Number(match?.[2]))
      .sort((a, b) => b - a)
    const revision = (revisions[0] ?? -1) + 1
    // The file of the last revision contains what the earlier ones do. If it is damaged, the previous one is the best source.
    for (const past of revisions) {
      const header = await this.#header(closedDayName(day, past))
      if (header?.contained !== undefined) return { revision, contained: header.contained }
    }
    return { revision, contained: {} }
  }

  async #header(name: string): Promise<LineFileHeader | undefined> {
    const path = join(this.#folder, name)
    try {
      const { ino } = this.#disk.statSync(path)
      const known = this.#headers.get(name)
      if (known?.ino === ino) return known.header
      const header = await withFile(
        this.#disk,
        path,
        async (file) => (await readLineFile(this.#disk, file)).header,
      )
      this.#headers.set(name, { ino, header })
      return header
    } catch (error) {
      // The process that sends sets the file aside and reports it.
      if (codeOf(error) === 'ENOENT' || this.#damaged.isLasting(path, error)) return undefined
      throw error
    }
  }

  /**
   * Removes the files of old days for which no journal can appear any more.
   *
   * @param isFinished returns whether all lines of a file are settled and no journal of its day is left
   */
  forgetOld(nowMs: number, isFinished: (name: string, day: UsageDay) => boolean): void {
    for (const name of namesIn(this.#disk, this.#folder)) {
      const [, day] = fileName.exec(name) ?? []
      if (day === undefined || nowMs - Date.parse(day) < keptDays * 24 * 3_600_000) continue
      if (!isFinished(name, day)) continue
      // The file has only a few bytes. If it cannot be removed, the next close tries again.
      removeQuietly(this.#disk, join(this.#folder, name))
      this.#headers.delete(name)
    }
  }
}
