import type { Clock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import { type FileRecord, type StateSnapshot, snapshotOf } from './outbox-log.ts'

/** A file of lines that could not be read yet, and what the log contains about it. */
export interface UnreadFile {
  readonly name: string
  readonly number: number
  readonly record: FileRecord
}

/** Delay before a file that could not be read is tried again, 10000 ms (10 seconds). */
export const retryUnreadMs = 10_000

/** Keeps files of lines that the disk could not read, so that what the log contains about them is not lost. */
export class UnreadFiles {
  readonly #clock: Pick<Clock, 'elapsed'>
  #files: UnreadFile[] = []
  #dueAtMs = 0

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock
  }

  add(file: UnreadFile): void {
    this.#files.push(file)
    this.#dueAtMs = this.#clock.elapsed() + retryUnreadMs
  }

  has(name: string): boolean {
    return this.#files.some((file) => file.name === name)
  }

  /** Opens the files again if the delay has passed. A file stays here until it is open, because a new log may begin meanwhile. */
  async retry(open: (file: UnreadFile) => Promise<void>): Promise<void> {
    if (this.#clock.elapsed() < this.#dueAtMs) return
    this.#dueAtMs = this.#clock.elapsed() + retryUnreadMs
    for (const file of [...this.#files]) {
      try {
        await open(file)
        this.#files = this.#files.filter((other) => other !== file)
      } catch (error) {
        if (error instanceof UsageError) throw error
      }
    }
  }

  /** Returns the records with which a new log begins. */
  records(): StateSnapshot['files'] {
    return this.#files.map(({ name, number, record }) => snapshotOf({ name, number, ...record }))
  }
}
