import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scratch, ScratchPlace } from '@px-usage/core/adapter'
import { failedError } from '../exit-codes.ts'

/** A temporary file for what does not fit into memory. It disappears with the process. */
export interface ScratchFile extends Scratch {
  close(): void
}

/**
 * Creates a scratch file in a folder when the first text is written. The file loses its name at once, so that no log data remains
 * however the process ends. Where the system does not allow that, `close()` removes it.
 *
 * @throws {CommandError} with exit code 3 if the folder cannot be written
 */
export function createScratchFile(folder: string): ScratchFile {
  const path = join(folder, `px-usage-backfill-${randomBytes(8).toString('hex')}.tmp`)
  let file: number | undefined
  let size = 0

  function using<T>(task: () => T): T {
    try {
      return task()
    } catch (error) {
      throw failedError(
        `Cannot use a temporary file in ${folder}: ${(error as Error).message}. Set TMPDIR to a folder with free space.`,
        error,
      )
    }
  }

  function opened(): number {
    if (file !== undefined) return file
    file = openSync(path, 'wx+', 0o600)
    remove()
    return file
  }

  function remove(): void {
    try {
      rmSync(path, { force: true })
    } catch {
      // Windows may refuse while the file is open.
    }
  }

  return {
    write: (text) =>
      using(() => {
        const bytes = Buffer.from(text)
        const place = { offset: size, length: bytes.length }
        // Through a descriptor it writes behind what it wrote last.
        writeFileSync(opened(), bytes)
        size += bytes.length
        return place
      }),
    read: ({ offset, length }: ScratchPlace) =>
      using(() => {
        const bytes = Buffer.allocUnsafe(length)
        for (let at = 0; at < length; ) {
          const count = readSync(opened(), bytes, at, length - at, offset + at)
          if (count === 0) throw new Error('its end is missing')
          at += count
        }
        return bytes.toString()
      }),
    close() {
      if (file === undefined) return
      closeSync(file)
      file = undefined
      remove()
    },
  }
}
