import { join } from 'node:path'
import { type Disk, makeFolder, namesIn, readIfThere, replaceFile } from './disk.ts'
import type { OutboxLine } from './store.ts'

/** Where processes that do not send leave the lines they have, one file at a time, for the one that does. */
export class Inbox {
  readonly #disk: Disk
  readonly #folder: string
  readonly #journalId: string
  #count = 0

  constructor(disk: Disk, dir: string, journalId: string) {
    this.#disk = disk
    this.#folder = inboxFolder(dir)
    this.#journalId = journalId
  }

  async leave(lines: readonly OutboxLine[]): Promise<void> {
    makeFolder(this.#disk, this.#folder)
    this.#count += 1
    const name = `${this.#journalId}.${String(this.#count).padStart(9, '0')}.json`
    await replaceFile(this.#disk, join(this.#folder, name), Buffer.from(JSON.stringify(lines)))
  }

  /** Gives what was left to `put`, and removes it then: after a crash in between the ids tell what is there already. */
  async takeOut(put: (lines: readonly OutboxLine[]) => Promise<void>): Promise<void> {
    for (const { path, lines } of filesIn(this.#disk, this.#folder)) {
      await put(lines)
      this.#disk.rmSync(path, { force: true })
    }
  }
}

/** What was left in the folder of a store and nobody has taken out. */
export function* linesLeft(disk: Disk, dir: string): Generator<OutboxLine> {
  for (const { lines } of filesIn(disk, inboxFolder(dir))) yield* lines
}

function* filesIn(disk: Disk, folder: string): Generator<{ path: string; lines: OutboxLine[] }> {
  for (const name of namesIn(disk, folder)) {
    if (!name.endsWith('.json')) continue
    const path = join(folder, name)
    const text = readIfThere(disk, path)
    if (text !== undefined) yield { path, lines: JSON.parse(text.toString()) as OutboxLine[] }
  }
}

function inboxFolder(dir: string): string {
  return join(dir, 'inbox')
}
