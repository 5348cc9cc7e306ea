import { join } from 'node:path'
import { BitSet } from '../files/bit-set.ts'
import { type Disk, namesIn, syncContent, syncFolder, writeLater, writeWhole } from '../files/disk.ts'
import { readFrames } from '../files/frame-file.ts'
import { encodeFrame, formatVersion, frameSeed, frameTypes } from '../files/frames.ts'
import { closeQuietly, discardFile, isReplaced, openToRead } from '../files/held-file.ts'
import type { Settlement } from '../model/outbox-line.ts'
import { attempt, type LineState, settle, unattempted } from './line-states.ts'

/** Identifies a line by the number of its file, its index in the file and its offset. */
export type LineRef = readonly [file: number, index: number, offset: number]

/** What is recorded of a line with an attempt. */
export interface TouchedState extends LineState {
  offset: number
  dueAtMs: number
}

/** What became of a line, and when it is due again if it is neither delivered nor rejected. */
type Settled = readonly [...LineRef, state: Settlement['state'], dueAtMs: number]

/** A change of lines, as recorded in the log. A change `file` names a file and gives it a number. */
export type StateChange =
  | readonly ['file', number, string]
  | readonly ['gone', number]
  | readonly ['attempt', number, readonly LineRef[]]
  | readonly ['settle', readonly Settled[]]
  /** An operator sent rejected lines again, or discarded them, with the command of this id. */
  | readonly ['command', string, number]
  | readonly ['snapshot', StateSnapshot]

/** All that is known when a log begins. */
export interface StateSnapshot {
  delivered: number
  rejected: number
  /** Ids of single lines that were added lately, oldest first. */
  known: string[]
  files: FileSnapshot[]
  /** Ids of the last commands of operators, oldest first; missing in logs of earlier versions. */
  commands?: string[]
}

interface FileSnapshot {
  number: number
  name: string
  done: string
  /** Those of them that PX does not have; missing if there is none, and in logs of earlier versions. */
  undelivered?: string
  /** Whether lines without an attempt count as unconfirmed. The name is part of the format on the disk. */
  isSuspect: boolean
  touched: Array<[index: number, state: TouchedState]>
}

/** The log of one leader. No other process writes to it, and the next leader creates its own. */
export interface StateLog {
  readonly size: number
  readonly isGone: boolean
  /** Adds a change. After a throw nothing was written. */
  append(change: StateChange): void
  sync(): Promise<void>
  close(): void
}

const fileName = /^state\.(\d+)-(\d+)\.log$/

/** Creates a log that begins with all that is known, and then removes the earlier logs. */
export async function beginStateLog(
  disk: Disk,
  folder: string,
  epoch: number,
  snapshot: StateSnapshot,
): Promise<StateLog> {
  const names = namesIn(disk, folder)
  const numbers = names.map((name) => fileName.exec(name)).filter((match) => match?.[1] === String(epoch))
  const number = Math.max(0, ...numbers.map((match) => Number(match?.[2]))) + 1
  const id = `state.${epoch}-${number}`
  const path = join(folder, `${id}.log`)
  const aside = `${path}.tmp`
  const file = disk.openSync(aside, 'w+', 0o600)
  const seed = frameSeed(id)
  const encode = (change: StateChange) =>
    encodeFrame(frameTypes.change, Buffer.from(JSON.stringify(change)), seed)
  let size = 0
  try {
    const header = Buffer.from(JSON.stringify({ format: formatVersion, id }))
    const bytes = Buffer.concat([encodeFrame(frameTypes.header, header, 0), encode(['snapshot', snapshot])])
    await writeLater(disk, file, bytes, 0)
    await syncContent(disk, file)
    disk.renameSync(aside, path)
    await syncFolder(disk, folder)
    size = bytes.length
  } catch (error) {
    discardFile(disk, file, aside)
    throw error
  }
  for (const name of stateLogs(names)) {
    try {
      disk.rmSync(join(folder, name), { force: true, recursive: true })
    } catch {
      // Readers use the newest log only. The next leader removes this one.
    }
  }
  return {
    get size() {
      return size
    },
    get isGone() {
      try {
        return isReplaced(disk, file, path)
      } catch {
        // A failing disk does not prove that the folder was replaced. The next check decides.
        return false
      }
    },
    append(change) {
      const frame = encode(change)
      try {
        writeWhole(disk, file, frame, size)
      } catch (error) {
        try {
          disk.ftruncateSync(file, size)
        } catch {
          // The next change overwrites the incomplete one, and readers ignore the bytes that remain behind it.
        }
        throw error
      }
      size += frame.length
    },
    sync: () => syncContent(disk, file),
    close: () => closeQuietly(disk, file),
  }
}

export function newestStateLog(disk: Disk, folder: string): string | undefined {
  const name = stateLogs(namesIn(disk, folder)).at(-1)
  return name === undefined ? undefined : join(folder, name)
}

/** Reads the newest log. @returns how it ended; `missing` if there is none */
export async function readStateLog(
  disk: Disk,
  folder: string,
  visit: (change: StateChange) => void,
): Promise<{ path: string; how: 'clean' | 'torn' | 'damaged' | 'missing' | 'newer' }> {
  const path = newestStateLog(disk, folder)
  if (path === undefined) return { path: folder, how: 'missing' }
  const file = openToRead(disk, path)
  try {
    let isNewer = false
    let hasSnapshot = false
    const end = await readFrames(disk, file, ({ type, payload }) => {
      if (type === frameTypes.header) {
        isNewer = (JSON.parse(payload.toString()) as { format: number }).format > formatVersion
        return !isNewer
      }
      hasSnapshot = true
      if (type === frameTypes.change) visit(JSON.parse(payload.toString()) as StateChange)
      return true
    })
    if (isNewer) return { path, how: 'newer' }
    return { path, how: hasSnapshot ? end.how : 'damaged' }
  } finally {
    closeQuietly(disk, file)
  }
}

/** Returns the names of the logs, oldest first. */
function stateLogs(names: readonly string[]): string[] {
  const place = (name: string) => {
    const [, epoch = '0', number = '0'] = fileName.exec(name) ?? []
    return Number(epoch) * 1e6 + Number(number)
  }
  return names.filter((name) => fileName.test(name)).sort((a, b) => place(a) - place(b))
}

/** Translates the state `unknown` of earlier versions: without this, their lines would be resent without a look-up. */
function stateNow<S extends string>(state: S | 'unknown'): S | 'unconfirmed' {
  return state === 'unknown' ? 'unconfirmed' : state
}

/** What the log contains about a file of lines. */
export interface FileRecord {
  readonly done: BitSet
  /** The lines among them that PX does not have: rejected, withdrawn, or lost because they could not be read. */
  readonly undelivered: BitSet
  readonly touched: Map<number, TouchedState>
  /** Whether lines without a recorded attempt count as unconfirmed, because the log that would show their attempts was lost. */
  isUnconfirmed: boolean
}

export function emptyRecord(): FileRecord {
  return { done: new BitSet(), undelivered: new BitSet(), touched: new Map(), isUnconfirmed: false }
}

/** Returns what a new log contains about a file. */
export function snapshotOf({
  number,
  name,
  done,
  undelivered,
  isUnconfirmed,
  touched,
}: FileRecord & { number: number; name: string }): FileSnapshot {
  return {
    ...{ number, name, done: done.toString() },
    ...(undelivered.size > 0 ? { undelivered: undelivered.toString() } : {}),
    ...{ isSuspect: isUnconfirmed, touched: [...touched] },
  }
}

/** Collects what a log contains about the lines, file by file. */
export class OutboxReplay {
  delivered = 0
  rejected = 0
  known: string[] = []
  /** Ids of the commands of operators that were executed. */
  commands: string[] = []
  /** Whether the log may lack attempts, so that PX may have any line. */
  isLost = false
  readonly #files = new Map<string, FileRecord>()
  readonly #names = new Map<number, string>()

  /** Sorts the names of files in the order in which they were begun. One that the log does not name is the newest. */
  inOrder(names: readonly string[]): string[] {
    const numbers = new Map([...this.#names].map(([number, name]) => [name, number]))
    const place = (name: string) => numbers.get(name) ?? Number.MAX_SAFE_INTEGER
    return [...names].sort((a, b) => place(a) - place(b))
  }

  of(name: string): FileRecord {
    const file = this.#files.get(name) ?? emptyRecord()
    this.#files.set(name, file)
    file.isUnconfirmed ||= this.isLost
    return file
  }

  #touch([number, index, offset]: LineRef, dueAtMs: number): { file: FileRecord; line: TouchedState } {
    const file = this.of(this.#names.get(number) ?? '')
    const line = file.touched.get(index) ?? { offset, ...unattempted(file.isUnconfirmed), dueAtMs }
    line.dueAtMs = dueAtMs
    file.touched.set(index, line)
    return { file, line }
  }

  apply(change: StateChange): void {
    switch (change[0]) {
      case 'file':
        this.#names.set(change[1], change[2])
        return
      case 'gone':
        this.#files.delete(this.#names.get(change[1]) ?? '')
        return
      case 'attempt':
        for (const ref of change[2]) attempt(this.#touch(ref, 0).line, change[1])
        return
      case 'settle':
        for (const [number, index, offset, state, dueAtMs] of change[1]) {
          const { file, line } = this.#touch([number, index, offset], dueAtMs)
          if (!settle(line, stateNow(state))) continue
          if (state !== 'withdrawn') this[state as 'delivered' | 'rejected'] += 1
          file.done.add(index)
          if (state !== 'delivered') file.undelivered.add(index)
          file.touched.delete(index)
        }
        return
      case 'command':
        this.rejected -= change[2]
        this.commands.push(change[1])
        return
      case 'snapshot': {
        const { delivered, rejected, known, files, commands = [] } = change[1]
        Object.assign(this, { delivered, rejected, known, commands: [...commands] })
        for (const { number, name, done, undelivered = '', isSuspect, touched } of files) {
          this.#names.set(number, name)
          this.#files.set(name, {
            done: new BitSet(Buffer.from(done, 'base64')),
            undelivered: new BitSet(Buffer.from(undelivered, 'base64')),
            isUnconfirmed: isSuspect,
            touched: new Map(
              touched.map(([index, line]) => [index, { ...line, state: stateNow(line.state) }]),
            ),
          })
        }
      }
    }
  }
}
