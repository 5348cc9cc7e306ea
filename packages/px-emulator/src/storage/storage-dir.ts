import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { StateRecord } from '../subscription/px-state.ts'

const fileName = 'px-emulator.jsonl'
const chunkBytes = 1024 * 1024
/** More than the line of the largest request. */
const maxLineBytes = 16 * 1024 * 1024
const lineEnd = 10

/** Keeps every change as a line of one file, so that a restart can restore the state. */
export interface StorageDir {
  append(record: StateRecord): void
  /** Removes all records. */
  clear(): void
  close(): void
}

/**
 * Opens the directory, creates it if needed, and passes each record of earlier runs to `restore`. A last line that a crash cut off
 * is removed. One emulator at a time may use a directory.
 *
 * @throws {Error} for a directory that cannot be written, or a file of something else
 */
export function openStorageDir(dir: string, restore: (record: StateRecord) => void): StorageDir {
  makeDir(dir)
  const path = join(dir, fileName)
  const { O_RDWR, O_CREAT, O_APPEND, O_NONBLOCK } = constants
  const file = openSync(path, O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK, 0o666)
  let size = 0
  try {
    // Reading a pipe or a device might never end.
    if (!fstatSync(file).isFile()) throw new Error(`${path} is not a regular file.`)
    size = readLines(file, path, (line) => restore(parseRecord(line, path)))
    ftruncateSync(file, size)
  } catch (error) {
    closeSync(file)
    throw error
  }
  return {
    append(record) {
      const line = Buffer.from(`${JSON.stringify(record)}\n`)
      try {
        for (let at = 0; at < line.length; ) at += writeSync(file, line, at)
      } catch (error) {
        // On a full disk, a partial line would make the next line unreadable.
        ftruncateSync(file, size)
        throw error
      }
      size += line.length
    },
    clear() {
      ftruncateSync(file, 0)
      size = 0
    },
    close: () => closeSync(file),
  }
}

/**
 * Creates the folders one by one. With `recursive`, Node 20 never returns where a folder such as /proc refuses new ones.
 *
 * @throws {Error} for a file, and for a folder that cannot be created
 */
function makeDir(dir: string): void {
  try {
    makeDirs(resolve(dir))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`dir ${dir} cannot be created (${code}). Use a writable folder.`, {
      cause: error,
    })
  }
  if (!statSync(dir).isDirectory()) throw new Error(`dir ${dir} is a file. Use a folder.`)
}

function makeDirs(dir: string): void {
  try {
    mkdirSync(dir)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (isThere(dir)) return
    if (code !== 'ENOENT' || dirname(dir) === dir || isThere(dirname(dir))) throw error
    makeDirs(dirname(dir))
    mkdirSync(dir)
  }
}

function isThere(dir: string): boolean {
  return statSync(dir, { throwIfNoEntry: false }) !== undefined
}

/** Reads whole lines. Returns the position after the last one. */
function readLines(file: number, path: string, take: (line: string) => void): number {
  const chunk = Buffer.alloc(chunkBytes)
  let rest = Buffer.alloc(0)
  let position = 0
  for (let read = readSync(file, chunk, 0, chunkBytes, 0); read > 0; ) {
    position += read
    const text = Buffer.concat([rest, chunk.subarray(0, read)])
    let from = 0
    for (let end = text.indexOf(lineEnd); end !== -1; end = text.indexOf(lineEnd, from)) {
      take(text.toString('utf8', from, end))
      from = end + 1
    }
    rest = text.subarray(from)
    if (rest.length > maxLineBytes) throw foreign(rest.toString('utf8', 0, 80), path)
    read = readSync(file, chunk, 0, chunkBytes, position)
  }
  return position - rest.length
}

function parseRecord(line: string, path: string): StateRecord {
  try {
    const record: unknown = JSON.parse(line)
    if (Array.isArray(record) && ['event', 'user', 'account', 'denied'].includes(record[0])) {
      return record as StateRecord
    }
  } catch {
    // Reported below.
  }
  throw foreign(line, path)
}

function foreign(line: string, path: string): Error {
  return new Error(`${path} holds ${JSON.stringify(line.slice(0, 80))}, which px-emulator did not write.`)
}
