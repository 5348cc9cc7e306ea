import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { failedError } from '../exit-codes.ts'
import type { OutputStream } from '../output.ts'

/** Where an export is written. */
export interface TextTarget {
  write(text: string): void
  /** Completes the text. */
  finish(): void
  /** Removes what was written, where that is possible. Does nothing after `finish()`. */
  discard(): void
}

/** Characters that are written together. */
const partLength = 64 * 1024

/** Writes to a stream such as stdout. */
export function streamTarget(stream: OutputStream): TextTarget {
  const waiting = inParts((text) => void stream.write(text))
  return { ...waiting, discard() {} }
}

/**
 * Writes a file. It has its name only once it is complete, so that a job that waits for it never reads a part.
 *
 * @throws {CommandError} with exit code 3 if the file cannot be written; so do all methods but `discard()`
 */
export function fileTarget(path: string): TextTarget {
  const aside = `${path}.part`
  const file = attempt(() => openSync(aside, 'w'))
  let isOpen = true
  const close = () => {
    isOpen = false
    closeSync(file)
  }
  const waiting = inParts((text) => attempt(() => writeWhole(file, Buffer.from(text))))

  function attempt<T>(task: () => T): T {
    try {
      return task()
    } catch (error) {
      throw failedError(`Cannot write ${path}: ${(error as Error).message}`, error)
    }
  }

  return {
    write: waiting.write,
    finish() {
      waiting.finish()
      attempt(() => {
        close()
        renameSync(aside, path)
      })
    },
    discard() {
      if (isOpen) close()
      rmSync(aside, { force: true })
    },
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
}

/** Joins small texts. */
function inParts(write: (text: string) => void): Pick<TextTarget, 'write' | 'finish'> {
  let waiting = ''
  const flush = () => {
    const text = waiting
    waiting = ''
    if (text !== '') write(text)
  }
  return {
    write(text) {
      waiting += text
      if (waiting.length >= partLength) flush()
    },
    finish: flush,
  }
}
