import { join } from 'node:path'
import { type Disk, namesIn } from './disk.ts'
import { type LineFileHeader, readLineFile } from './line-file.ts'
import { outboxFolder } from './outbox.ts'
import type { UsageDay } from './store.ts'

/** What a day contains that was closed, as the heads of its files of lines tell. */
export interface ClosedDay {
  /** Of the next close. */
  readonly revision: number
  /** Up to which sequence, by journal. */
  readonly contained: Readonly<Record<string, number>>
}

const fileName = /^(\d{4}-\d\d-\d\d)\.(\d+)\.lines$/
/** Longer than any journal should stay away and come back. */
const keptDays = 40

export function closedDayName(day: UsageDay, revision: number): string {
  return `${day}.${revision}.lines`
}

export class ClosedDays {
  readonly #disk: Disk
  readonly #folder: string
  readonly #headers = new Map<string, LineFileHeader>()

  constructor(disk: Disk, dir: string) {
    this.#disk = disk
    this.#folder = outboxFolder(dir)
  }

  async of(day: UsageDay): Promise<ClosedDay> {
    const revisions = namesIn(this.#disk, this.#folder)
      .map((name) => fileName.exec(name))
      .filter((match) => match?.[1] === day)
      .map((match) => Number(match?.[2]))
    if (revisions.length === 0) return { revision: 0, contained: {} }
    const last = Math.max(...revisions)
    const header = await this.#header(closedDayName(day, last))
    return { revision: last + 1, contained: header.contained ?? {} }
  }

  async #header(name: string): Promise<LineFileHeader> {
    let header = this.#headers.get(name)
    if (header === undefined) {
      const file = this.#disk.openSync(join(this.#folder, name), 'r')
      try {
        header = (await readLineFile(this.#disk, file)).header
      } finally {
        this.#disk.closeSync(file)
      }
      this.#headers.set(name, header)
    }
    return header
  }

  /** Lets go of finished days that nothing will be added to any more. */
  forgetOld(nowMs: number, isFinished: (name: string) => boolean): void {
    for (const name of namesIn(this.#disk, this.#folder)) {
      const [, day] = fileName.exec(name) ?? []
      if (day === undefined || nowMs - Date.parse(day) < keptDays * 24 * 3_600_000) continue
      if (isFinished(name)) this.#disk.rmSync(join(this.#folder, name), { force: true })
    }
  }
}
