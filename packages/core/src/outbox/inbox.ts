import { join } from 'node:path'
import { checkedText, withChecksum } from '../files/checked-text.ts'
import { codeOf, type Disk, namesIn, readIfThere, replaceFile } from '../files/disk.ts'
import { makeSubfolder, setAside } from '../files/set-aside.ts'
import type { OutboxLine } from '../model/outbox-line.ts'

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
  /** Files whose lines were put but that could not be removed: put again weeks later, a line could be sent twice. */
  readonly #taken = new Set<string>()
  #count = 0

  constructor(settings: InboxSettings, journalId: string) {
    this.#settings = settings
    this.#folder = inboxFolder(settings.dir)
    this.#journalId = journalId
  }

  async leave(lines: readonly OutboxLine[]): Promise<void> {
    makeSubfolder(this.#settings, 'inbox')
    this.#count += 1
    const name = `${this.#journalId}.${String(this.#count).padStart(9, '0')}.json`
    await replaceFile(
      this.#settings.disk,
      join(this.#folder, name),
      Buffer.from(withChecksum(JSON.stringify(lines))),
    )
  }

  /**
   * Gives what was left to `put`, and removes it then: after a crash in between the ids tell what is there already. A file that
   * cannot be read keeps no other from being taken out.
   */
  async takeOut(put: (lines: readonly OutboxLine[]) => Promise<void>): Promise<void> {
    const { disk } = this.#settings
    for (const path of this.#paths()) {
      if (!this.#taken.has(path)) {
        const { lines, damage } = linesOf(disk, path)
        if (damage !== undefined) {
          this.#putAside(path, damage)
          continue
        }
        await put(lines)
        this.#taken.add(path)
      }
      try {
        disk.rmSync(path, { force: true })
        this.#taken.delete(path)
      } catch (error) {
        this.#report(
          path,
          `its lines were taken over, but it cannot be removed (${(error as Error).message})`,
        )
      }
    }
  }

  /** A folder that cannot be read keeps no other line from being sent; it is read again the next time. */
  #paths(): string[] {
    try {
      return pathsIn(this.#settings.disk, this.#folder)
    } catch (error) {
      this.#report(this.#folder, `${(error as Error).message}. It stays in its place`)
      return []
    }
  }

  /** What the disk refuses to read now may be read the next time; its content will not change. */
  #putAside(path: string, { reason, isContent }: Damage): void {
    const { disk, dir, now } = this.#settings
    const moved = isContent ? setAside(disk, dir, path, now()) : undefined
    this.#report(
      path,
      `${reason}. It ${moved === undefined ? 'stays in its place' : `was moved to ${moved}`}`,
    )
  }

  #report(path: string, what: string): void {
    if (this.#reported.has(path)) return
    this.#reported.add(path)
    this.#settings.onDamage(path, what)
  }
}

/** What was left in the folder of a store and nobody has taken out. */
export function* linesLeft(disk: Disk, dir: string): Generator<OutboxLine> {
  let paths: string[] = []
  try {
    paths = pathsIn(disk, inboxFolder(dir))
  } catch {
    // The process that sends reports a folder that cannot be read.
  }
  for (const path of paths) yield* linesOf(disk, path).lines
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
