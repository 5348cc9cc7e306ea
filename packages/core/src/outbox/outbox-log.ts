import { join } from 'node:path'
import { BitSet } from '../files/bit-set.ts'
import { type Disk, namesIn, syncContent, syncFolder, writeLater, writeWhole } from '../files/disk.ts'
import { readFrames } from '../files/frame-file.ts'
import { encodeFrame, formatVersion, frameSeed, frameTypes } from '../files/frames.ts'
import { closeQuietly, isReplaced, openToRead } from '../files/held-file.ts'

/** A line by the number of its file, its index in it and its offset. */
export type LineRef = readonly [file: number, index: number, offset: number]

/** What is known of a line that somebody began to send. */
export interface TouchedState {
  offset: number
  state: 'pending' | 'unconfirmed'
  attempts: number
  attemptedAtMs?: number | undefined
  dueAtMs: number
}

/** What became of a line; the time is when a line that is not done is due again. */
type Settled = readonly [
  ...LineRef,
  state: 'pending' | 'unconfirmed' | 'delivered' | 'rejected',
  dueAtMs: number,
]

/** What happens to lines, as kept in the log. Files are named once and then numbered. */
export type StateChange =
  | readonly ['file', number, string]
  | readonly ['gone', number]
  | readonly ['attempt', number, readonly LineRef[]]
  | readonly ['settle', readonly Settled[]]
  | readonly ['snapshot', StateSnapshot]

/** All that is known at the beginning of a log. */
export interface StateSnapshot {
  delivered: number
  rejected: number
  /** Ids of lines put lately, oldest first. */
  known: string[]
  files: Array<{
    number: number
    name: string
    done: string
    isSuspect: boolean
    touched: Array<[index: number, state: TouchedState]>
  }>
}

/** The log of one leader: nobody else writes to it, and the next leader begins its own. */
export interface StateLog {
  readonly size: number
  readonly isGone: boolean
  /** After a throw nothing was written. */
  append(change: StateChange): void
  sync(): Promise<void>
  close(): void
}

const fileName = /^state\.(\d+)-(\d+)\.log$/

/** Begins a log with all that is known so far, and then lets the logs before it go. */
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
    closeQuietly(disk, file)
    try {
      disk.rmSync(aside, { force: true })
    } catch {
      // The next one is begun over it.
    }
    throw error
  }
  for (const name of stateLogs(names)) {
    try {
      disk.rmSync(join(folder, name), { force: true, recursive: true })
    } catch {
      // The newest one is read; the next leader removes it.
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
        // That the disk fails now says nothing about the folder: the next look does.
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
          // The next change is written over the rest, and what sticks out behind it is no frame.
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

/** Oldest first. */
function stateLogs(names: readonly string[]): string[] {
  const place = (name: string) => {
    const [, epoch = '0', number = '0'] = fileName.exec(name) ?? []
    return Number(epoch) * 1e6 + Number(number)
  }
  return names.filter((name) => fileName.test(name)).sort((a, b) => place(a) - place(b))
}

/** Logs of earlier versions have `unknown`: without this, their lines would be sent again without a look-up. */
function stateNow(state: TouchedState['state'] | 'unknown'): TouchedState['state'] {
  return state === 'unknown' ? 'unconfirmed' : state
}

interface FileHistory {
  done: BitSet
  touched: Map<number, TouchedState>
  isSuspect: boolean
}

/** What a log tells of the lines, file by file. */
export class OutboxReplay {
  delivered = 0
  rejected = 0
  known: string[] = []
  readonly #files = new Map<string, FileHistory>()
  readonly #names = new Map<number, string>()

  of(name: string): FileHistory {
    let file = this.#files.get(name)
    if (file === undefined) {
      file = { done: new BitSet(), touched: new Map(), isSuspect: false }
      this.#files.set(name, file)
    }
    return file
  }

  #byNumber(number: number): FileHistory {
    return this.of(this.#names.get(number) ?? '')
  }

  #attempted([number, index, offset]: LineRef, atMs: number): void {
    const { touched } = this.#byNumber(number)
    const attempts = (touched.get(index)?.attempts ?? 0) + 1
    touched.set(index, { offset, state: 'unconfirmed', attempts, attemptedAtMs: atMs, dueAtMs: 0 })
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
        for (const ref of change[2]) this.#attempted(ref, change[1])
        return
      case 'settle':
        for (const [number, index, offset, state, dueAtMs] of change[1]) {
          const { done, touched } = this.#byNumber(number)
          if (state === 'delivered' || state === 'rejected') {
            this[state] += 1
            done.add(index)
            touched.delete(index)
          } else {
            const { attempts = 0, attemptedAtMs } = touched.get(index) ?? {}
            touched.set(index, { offset, state: stateNow(state), attempts, attemptedAtMs, dueAtMs })
          }
        }
        return
      case 'snapshot': {
        const { delivered, rejected, known, files } = change[1]
        Object.assign(this, { delivered, rejected, known })
        for (const { number, name, done, isSuspect, touched } of files) {
          this.#names.set(number, name)
          this.#files.set(name, {
            done: new BitSet(Buffer.from(done, 'base64')),
            isSuspect,
            touched: new Map(
              touched.map(([index, line]) => [index, { ...line, state: stateNow(line.state) }]),
            ),
          })
        }
      }
    }
  }
}
