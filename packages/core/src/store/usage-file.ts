import {
  closeSync,
  constants,
  copyFileSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { quoted, UsageError } from '../errors.ts'
import type { Change, UsageState } from './usage-state.ts'

const formatVersion = 1

/** A file of JSON lines: a header, then one change each. */
export interface UsageFile {
  readonly size: number
  /** Whether somebody removed or replaced the file. What is written then is lost. */
  isGone(): boolean
  /** Writes a change at the end. After a throw the file is as it was. */
  append(change: Change): void
  /** Puts the shortest file that says the same in the place of this one, as one step. After a throw all is as it was. */
  rewrite(state: UsageState): void
  sync(done: (error: Error | null) => void): void
  close(): void
}

export function openUsageFile(path: string, state: UsageState): UsageFile {
  let { file, size } = writeAside(path, state)
  return {
    get size() {
      return size
    },
    isGone: () => fstatSync(file).nlink === 0,
    append(change) {
      try {
        size += writeWhole(file, `${JSON.stringify(change)}\n`, size)
      } catch (error) {
        cutBack(file, size)
        throw error
      }
    },
    rewrite(state) {
      const next = writeAside(path, state)
      closeSync(file)
      ;({ file, size } = next)
    },
    sync: (done) => fdatasync(file, done),
    close() {
      try {
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
    },
  }
}

function writeAside(path: string, state: UsageState): { file: number; size: number } {
  const aside = `${path}.next`
  const file = openSync(aside, 'w', 0o600)
  try {
    let size = writeWhole(file, `${JSON.stringify({ type: 'usage-file', version: formatVersion })}\n`, 0)
    for (const change of state.rewritten()) size += writeWhole(file, `${JSON.stringify(change)}\n`, size)
    fsyncSync(file)
    renameSync(aside, path)
    syncFolder(dirname(path))
    return { file, size }
  } catch (error) {
    closeSync(file)
    rmSync(aside, { force: true })
    throw error
  }
}

/** Without this a power cut may undo the renaming, and with it all that was written since. Windows cannot, and need not. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** Writes all of it: a single write may take less than it was given. The place is told, as cutting a file does not move it. */
function writeWhole(file: number, text: string, position: number): number {
  const bytes = Buffer.from(text)
  let written = 0
  while (written < bytes.length) {
    written += writeSync(file, bytes, written, bytes.length - written, position + written)
  }
  return written
}

/** If this fails as well, the next change is written over the rest, and what sticks out has no line end: it is not read. */
function cutBack(file: number, size: number): void {
  try {
    ftruncateSync(file, size)
  } catch {}
}

export interface Damage {
  line: number
  /** Where the damaged file was copied to. */
  copy: string
}

/**
 * Applies the changes of a file up to the first one that cannot be read; a file with such a one is copied aside first.
 *
 * A last line without its end was being written when the process died: nobody was told that it was kept, so it is no damage.
 *
 * @throws {UsageError} `PXU_ERR_STORE_UNREADABLE` for another format; the file is left as it is
 */
export function readUsageFile(
  path: string,
  state: UsageState,
  nowMs: number,
): { bytes: number; damage?: Damage } {
  const text = readIfThere(path)
  if (text === '') return { bytes: 0 }
  const lines = text.split('\n')
  lines.pop()
  const bytes = Buffer.byteLength(text)
  let good = 0
  try {
    if (!isHeader(lines[0], path)) throw new SyntaxError('no header')
    for (good = 1; good < lines.length; good++) {
      const change = JSON.parse(lines[good] as string) as Change
      state.check(change)
      state.apply(change)
    }
    return { bytes }
  } catch (error) {
    if (error instanceof UsageError && error.code === 'PXU_ERR_STORE_UNREADABLE') throw error
    const copy = `${path}.bad-${nowMs}`
    copyFileSync(path, copy, constants.COPYFILE_FICLONE)
    return { bytes, damage: { line: good + 1, copy } }
  }
}

function isHeader(line: string | undefined, path: string): boolean {
  const header = JSON.parse(line ?? '') as { type?: unknown; version?: unknown } | null
  if (header?.type !== 'usage-file') return false
  if (header.version === formatVersion) return true
  throw new UsageError(
    'PXU_ERR_STORE_UNREADABLE',
    `${path} has format ${quoted(header.version)}, and this px-usage reads format ${formatVersion}. The file is left as it is; use the px-usage that wrote it, or move it away to start anew.`,
  )
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
