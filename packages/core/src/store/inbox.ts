import { join } from 'node:path'
import { checkedText, withChecksum } from './checked-text.ts'
import { codeOf, type Disk, makeSubfolder, namesIn, readIfThere, replaceFile } from './disk.ts'
import { setAside } from './set-aside.ts'
import type { OutboxLine } from './store.ts'

interface InboxSettings {
  disk: Disk
  dir: string
  now(): number
  onDamage(path: string, what: string): void
}

/** Where processes that do not send leave the lines they have, one file at a time, for the one that does. */
export class Inbox {
  readonly #settings: InboxSettings
  readonly #folder: string
  readonly #journalId: string
  readonly #reported = new Set<string>()
  #count = 0

  constructor(settings: InboxSettings, journalId: string) {
    this.#settings = settings
    this.#folder = inboxFolder(settings.dir)
    this.#journalId = journalId
  }

  async leave(lines: readonly OutboxLine[]): Promise<void> {
    const { disk, dir, now } = this.#settings
    makeSubfolder(disk, dir, 'inbox', now())
    this.#count += 1
    const name = `${this.#journalId}.${String(this.#count).padStart(9, '0')}.json`
    await replaceFile(disk, join(this.#folder, name), Buffer.from(withChecksum(JSON.stringify(lines))))
  }

  /**
   * Gives what was left to `put`, and removes it then: after a crash in between the ids tell what is there already. A file that
   * cannot be read keeps no other from being taken out.
   */
  async takeOut(put: (lines: readonly OutboxLine[]) => Promise<void>): Promise<void> {
    for (const path of pathsIn(this.#settings.disk, this.#folder)) {
      const { lines, damage } = linesOf(this.#settings.disk, path)
      if (damage !== undefined) {
        this.#putAside(path, damage)
        continue
      }
      await put(lines)
      this.#settings.disk.rmSync(path, { force: true })
    }
  }

  /** What the disk refuses to read now may be read the next time; its content will not change. */
  #putAside(path: string, { reason, isContent }: Damage): void {
    const { disk, dir, now, onDamage } = this.#settings
    const moved = isContent ? setAside(disk, dir, path, now()) : undefined
    if (this.#reported.has(path)) return
    this.#reported.add(path)
    onDamage(
      path,
      moved === undefined ? `${reason}. It stays in its place` : `${reason}. It was moved to ${moved}`,
    )
  }
}

/** What was left in the folder of a store and nobody has taken out. */
export function* linesLeft(disk: Disk, dir: string): Generator<OutboxLine> {
  for (const path of pathsIn(disk, inboxFolder(dir))) yield* linesOf(disk, path).lines
}

function pathsIn(disk: Disk, folder: string): string[] {
  return namesIn(disk, folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(folder, name))
}

interface Damage {
  readonly reason: string
  readonly isContent: boolean
}

function linesOf(disk: Disk, path: string): { lines: OutboxLine[]; damage?: Damage } {
  let kept: Buffer | undefined
  try {
    kept = readIfThere(disk, path)
  } catch (error) {
    return { lines: [], damage: { reason: (error as Error).message, isContent: codeOf(error) === 'EISDIR' } }
  }
  if (kept === undefined) return { lines: [] }
  const text = checkedText(kept.toString())
  if (text === undefined) return { lines: [], damage: { reason: 'its content is damaged', isContent: true } }
  return { lines: JSON.parse(text) as OutboxLine[] }
}

function inboxFolder(dir: string): string {
  return join(dir, 'inbox')
}
