import type { Clock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import { BitSet } from '../files/bit-set.ts'
import type { StateSnapshot, TouchedState } from './outbox-log.ts'

/** What the log tells of a file. */
export interface FileRecord {
  readonly done: BitSet
  readonly isSuspect: boolean
  readonly touched: ReadonlyMap<number, TouchedState>
}

export const untouchedFile: () => FileRecord = () => ({
  done: new BitSet(),
  isSuspect: false,
  touched: new Map(),
})

/** A file of lines that could not be read yet, and what the log tells of it. */
export interface UnreadFile {
  readonly name: string
  readonly number: number
  readonly record: FileRecord
  onPut(id: string): void
}

/** How soon a file that could not be read is tried again. */
export const retryUnreadMs = 10_000

/** Files of lines that the disk would not give: what the log tells of them must not be lost meanwhile. */
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

  /** Tries them again, if it is time. A file stays here until it is open, as a log may begin meanwhile. */
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

  /** What a new log begins with. */
  records(): StateSnapshot['files'] {
    return this.#files.map(({ name, number, record: { done, isSuspect, touched } }) => {
      return { ...{ name, number, isSuspect }, done: done.toString(), touched: [...touched] }
    })
  }
}
