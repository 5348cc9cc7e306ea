import { join } from 'node:path'
import { ReportedSubjects } from '../diagnostics.ts'
import { decodeChecked, encodeChecked } from '../files/checked-json.ts'
import { codeOf, type Disk, namesIn, readIfThere, replaceFile } from '../files/disk.ts'
import { makeSubfolder, type StoreFolder, setAside } from '../files/set-aside.ts'
import type { OutboxLine, RejectedCommand } from '../model/outbox-line.ts'

const linesEnd = '.json'
const commandEnd = '.command'

/** The folder in which processes that do not send leave their lines for the one that does, one file at a time. */
export class Inbox {
  readonly #settings: StoreFolder
  readonly #folder: string
  readonly #journalId: string
  readonly #reported = new ReportedSubjects()
  /** Files whose lines were added but that could not be removed: added again weeks later, a line could be sent twice. */
  readonly #taken = new Set<string>()
  #count = 0

  constructor(settings: StoreFolder, journalId: string) {
    this.#settings = settings
    this.#folder = inboxFolder(settings.dir)
    this.#journalId = journalId
  }

  async leave(lines: readonly OutboxLine[]): Promise<void> {
    makeSubfolder(this.#settings, 'inbox')
    this.#count += 1
    const name = `${this.#journalId}.${String(this.#count).padStart(9, '0')}.json`
    await replaceFile(this.#settings.disk, join(this.#folder, name), Buffer.from(encodeChecked(lines)))
  }

  /**
   * Passes the lines of all files to `put` and removes the files. After a crash in between, `put` recognises the ids. A file that
   * cannot be read does not delay the others.
   */
  async takeOut(put: (lines: readonly OutboxLine[]) => Promise<void>): Promise<void> {
    const { disk } = this.#settings
    for (const path of this.#paths(linesEnd)) {
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

  /** Leaves a command for the process that sends. Its file has a name of its own, which earlier versions ignore. */
  async leaveCommand(command: RejectedCommand): Promise<void> {
    makeSubfolder(this.#settings, 'inbox')
    this.#count += 1
    const name = `${this.#journalId}.${String(this.#count).padStart(9, '0')}${commandEnd}`
    await replaceFile(this.#settings.disk, join(this.#folder, name), Buffer.from(encodeChecked(command)))
  }

  /**
   * Passes the commands of operators to `run`, and removes those that ran. After a crash in between, a command runs again. One that
   * fails stays, and delays neither the others nor the sending of lines.
   */
  async takeCommands(run: (command: RejectedCommand) => Promise<void>): Promise<void> {
    const { disk } = this.#settings
    for (const path of this.#paths(commandEnd)) {
      try {
        const kept = readIfThere(disk, path)
        if (kept === undefined) continue
        const command = decodeChecked(kept.toString(), isCommand)
        if (command !== undefined) await run(command)
        else this.#putAside(path, { reason: 'its content is damaged', isContent: true })
        disk.rmSync(path, { force: true })
      } catch (error) {
        this.#report(path, `its command failed (${(error as Error).message}), and is tried again`)
      }
    }
  }

  /** Returns the files. A folder that cannot be read must not stop the sending of other lines; the next call reads it again. */
  #paths(end: string): string[] {
    try {
      return pathsIn(this.#settings.disk, this.#folder, end)
    } catch (error) {
      this.#report(this.#folder, `${(error as Error).message}. It stays in its place`)
      return []
    }
  }

  /** Sets a damaged file aside. A file that the disk refuses to read stays: the next call may succeed. */
  #putAside(path: string, { reason, isContent }: Damage): void {
    const { disk, dir, now } = this.#settings
    const moved = isContent ? setAside(disk, dir, path, now()) : undefined
    this.#report(
      path,
      `${reason}. It ${moved === undefined ? 'stays in its place' : `was moved to ${moved}`}`,
    )
  }

  #report(path: string, what: string): void {
    if (this.#reported.add(path)) this.#settings.onDamage(path, what)
  }
}

/** Yields the lines in the inbox that the sending process has not taken yet. */
export function* linesLeft(disk: Disk, dir: string): Generator<OutboxLine> {
  let paths: string[] = []
  try {
    paths = pathsIn(disk, inboxFolder(dir), linesEnd)
  } catch {
    // The process that sends reports a folder that cannot be read.
  }
  for (const path of paths) yield* linesOf(disk, path).lines
}

function pathsIn(disk: Disk, folder: string, end: string): string[] {
  return namesIn(disk, folder)
    .filter((name) => name.endsWith(end))
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
  const lines = decodeChecked(kept.toString(), isLines)
  if (lines === undefined) return { lines: [], damage: { reason: 'its content is damaged', isContent: true } }
  return { lines }
}

/** Returns whether a command still waits for the process that sends. */
export function isCommandLeft(disk: Disk, dir: string, id: string): boolean {
  return pathsIn(disk, inboxFolder(dir), commandEnd).some((path) => {
    const kept = readIfThere(disk, path)
    return kept !== undefined && decodeChecked(kept.toString(), isCommand)?.id === id
  })
}

function isCommand(value: unknown): value is RejectedCommand {
  const { id, kind, lines } = Object(value) as Partial<RejectedCommand>
  return typeof id === 'string' && /^(redeliver|discard)$/.test(kind ?? '') && isIds(lines)
}

function isIds(value: unknown): boolean {
  return Array.isArray(value) && value.every((id) => typeof id === 'string')
}

function isLines(value: unknown): value is OutboxLine[] {
  return Array.isArray(value)
}

function inboxFolder(dir: string): string {
  return join(dir, 'inbox')
}
