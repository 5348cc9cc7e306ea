import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import type { Clock } from '../clock.ts'
import { quoted, UsageError } from '../errors.ts'
import { stateStore } from './state-store.ts'
import type { Store } from './store.ts'
import { type Change, createUsageState } from './usage-state.ts'

export interface FileStoreOptions {
  /** Folder for the counts and the outbox; made if it is missing. One process at a time. */
  dir: string
}

const formatVersion = 1
const syncEveryMs = 1_000
/** The file is rewritten when it has grown by this much, so that settled lines do not stay for ever. */
const rewriteAfterBytes = 64 * 1024 * 1024

/**
 * Keeps counts and outbox in a file of JSON lines, one change each. What was counted is written at the end of the same
 * event-loop turn, so it survives the process (also `kill -9`), and synced each second for the case of a power cut.
 */
export function fileStore({ dir }: FileStoreOptions): Store {
  if (typeof dir !== 'string' || dir === '') {
    throw new UsageError(
      'PXU_ERR_OPTIONS_INVALID',
      `fileStore() got dir ${quoted(dir)}. Give the path of a folder.`,
    )
  }
  const folder = resolve(dir)
  const path = join(folder, 'usage.jsonl')
  const state = createUsageState()
  let file: number | undefined
  let size = 0
  let rewriteAt = rewriteAfterBytes
  let release = () => {}
  let stopSyncing = () => {}

  function append(change: Change): void {
    if (file === undefined) throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `${path} is not open.`)
    try {
      size += writeWhole(file, `${JSON.stringify(change)}\n`)
    } catch (cause) {
      // What was written of this change must not stand before the next one.
      ftruncateSync(file, size)
      throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `Writing to ${path} failed; it is tried again.`, {
        cause,
      })
    }
    if (size > rewriteAt) rewrite()
  }

  /** Puts the shortest equal file in the place of this one, as one step. */
  function rewrite(): void {
    const next = openSync(`${path}.next`, 'w', 0o600)
    let written = writeWhole(next, `${JSON.stringify({ type: 'usage-file', version: formatVersion })}\n`)
    for (const change of state.rewritten()) written += writeWhole(next, `${JSON.stringify(change)}\n`)
    fsyncSync(next)
    renameSync(`${path}.next`, path)
    if (file !== undefined) closeSync(file)
    file = next
    size = written
    rewriteAt = written * 2 + rewriteAfterBytes
  }

  function syncLater(clock: Clock): void {
    stopSyncing = clock.setTimer(() => {
      if (file === undefined) return
      fdatasync(file, () => {
        if (file !== undefined) syncLater(clock)
      })
    }, syncEveryMs)
  }

  return stateStore(state, {
    name: 'file',
    durable: true,
    flushAfterMs: 0,
    async open(context) {
      mkdirSync(folder, { recursive: true })
      release = takeLock(join(folder, 'lock'))
      const text = readIfThere(path)
      for (const change of readChanges(text, path)) state.apply(change)
      rewrite()
      if (text !== '') context.diagnostics.publish('store:recovered', { path, bytes: text.length })
      syncLater(context.clock)
    },
    keep: append,
    async close() {
      stopSyncing()
      if (file !== undefined) {
        fsyncSync(file)
        closeSync(file)
      }
      file = undefined
      release()
    },
  })
}

/** Writes all of it: a single write may take less than it was given. */
function writeWhole(file: number, text: string): number {
  const bytes = Buffer.from(text)
  let written = 0
  while (written < bytes.length) written += writeSync(file, bytes, written)
  return written
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

/** The changes in a file. A last line without its end was being written when the process died: nobody was told it was kept. */
function* readChanges(text: string, path: string): Generator<Change> {
  if (text === '') return
  const [head, ...rest] = text.split('\n')
  const header = parse(head, 1, path)
  if (header.type !== 'usage-file' || header.version !== formatVersion) {
    throw unreadable(path, 1, `its format is ${quoted(header.version)}, not ${formatVersion}`)
  }
  for (let index = 0; index < rest.length - 1; index++)
    yield parse(rest[index], index + 2, path) as unknown as Change
}

function parse(line: string | undefined, number: number, path: string): { type: unknown; version?: unknown } {
  try {
    return JSON.parse(line ?? '') as { type: unknown }
  } catch {
    throw unreadable(path, number, 'it is no JSON')
  }
}

function unreadable(path: string, line: number, reason: string): UsageError {
  return new UsageError(
    'PXU_ERR_STORE_UNREADABLE',
    `Line ${line} of ${path} cannot be read: ${reason}. The file is left as it is; move it away to start anew, or use the px-usage that wrote it.`,
  )
}

/**
 * Makes this process the owner of a folder.
 *
 * @returns a function that gives it up
 * @throws {UsageError} `PXU_ERR_STORE_IN_USE`
 */
function takeLock(path: string): () => void {
  for (;;) {
    try {
      const lock = openSync(path, 'wx')
      writeWhole(lock, String(process.pid))
      closeSync(lock)
      ownLocks.add(path)
      return () => {
        ownLocks.delete(path)
        rmSync(path, { force: true })
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const owner = Number(readIfThere(path))
      if (isAlive(owner, path)) {
        throw new UsageError(
          'PXU_ERR_STORE_IN_USE',
          `The folder of ${path} belongs to process ${owner}. Give each process its own dir (PX_USAGE_DIR).`,
        )
      }
      rmSync(path, { force: true })
    }
  }
}

/** Locks that this process holds. After a restart in a container the dead owner had our own pid, so the pid alone does not tell. */
const ownLocks = new Set<string>()

function isAlive(pid: number, path: string): boolean {
  if (pid === process.pid) return ownLocks.has(path)
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
