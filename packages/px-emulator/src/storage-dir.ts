import { closeSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { StateRecord } from './px-state.ts'

const fileName = 'px-emulator.jsonl'
const chunkBytes = 1024 * 1024
const lineEnd = 10

/** Keeps what changes in one file, a line each, so that it is there again after a restart. */
export interface StorageDir {
  append(record: StateRecord): void
  /** Forgets everything. */
  clear(): void
  close(): void
}

/**
 * Opens the directory, made if it is not there, and hands over what an earlier run kept. A last line that a crash cut off is
 * removed. One emulator at a time uses a directory.
 *
 * @throws {Error} for a directory that cannot be written, or a file of something else
 */
export function openStorageDir(dir: string, restore: (record: StateRecord) => void): StorageDir {
  mkdirSync(dir, { recursive: true })
  const path = join(dir, fileName)
  const file = openSync(path, 'a+')
  try {
    ftruncateSync(
      file,
      readLines(file, (line) => restore(parseRecord(line, path))),
    )
  } catch (error) {
    closeSync(file)
    throw error
  }
  return {
    append(record) {
      writeSync(file, `${JSON.stringify(record)}\n`)
    },
    clear: () => ftruncateSync(file, 0),
    close: () => closeSync(file),
  }
}

/** Reads whole lines. Answers where the last of them ends. */
function readLines(file: number, take: (line: string) => void): number {
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
    // Told below.
  }
  throw new Error(`${path} holds ${JSON.stringify(line.slice(0, 80))}, which px-emulator did not write.`)
}
