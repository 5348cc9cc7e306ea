import { BitSet } from './outbox-file.ts'
import type { LineRef, StateChange, TouchedState } from './state-log.ts'

interface FileHistory {
  done: BitSet
  touched: Map<number, TouchedState>
  isSuspect: boolean
}

/** What a log tells of the lines, file by file. */
export class OutboxHistory {
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
    touched.set(index, { offset, state: 'unknown', attempts, attemptedAtMs: atMs, dueAtMs: 0 })
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
            touched.set(index, { offset, state, attempts, attemptedAtMs, dueAtMs })
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
            touched: new Map(touched),
          })
        }
      }
    }
  }
}
