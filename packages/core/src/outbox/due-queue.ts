import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'

/** The order of sending: oldest day first, within a day totals before details, then in the order of arrival. */
export interface SendOrder {
  readonly day: UsageDay
  readonly rank: OutboxLine['rank']
  readonly order: number
}

export function compare(a: SendOrder, b: SendOrder): number {
  if (a.day !== b.day) return a.day < b.day ? -1 : 1
  if (a.rank !== b.rank) return a.rank === 'total' ? -1 : 1
  return a.order - b.order
}

/**
 * A line that waits until a time, which may change meanwhile.
 *
 * The time is one of the monotonic clock. A wall clock that was ahead when the line was released would delay the line by as
 * much once it is correct again.
 */
export interface Waiting extends SendOrder {
  dueAtElapsedMs: number
}

/** Orders lines that wait and lines that are due. Adding and taking take logarithmic time. */
export class DueQueue<T extends Waiting> {
  readonly #later = new Heap<{ line: T; dueAtMs: number }>((a, b) => a.dueAtMs - b.dueAtMs)
  readonly #due = new Heap<T>(compare)
  readonly #isDue = new Set<T>()

  /** Adds a line at its `dueAtElapsedMs`; for a line that waits already, it changes the time. */
  add(line: T): void {
    this.#isDue.delete(line)
    this.#later.push({ line, dueAtMs: line.dueAtElapsedMs })
  }

  /** Removes a line. */
  remove(line: T): void {
    this.#isDue.delete(line)
    line.dueAtElapsedMs = Number.POSITIVE_INFINITY
  }

  /** Returns the first line to send now, and keeps it. */
  peek(elapsedMs: number): T | undefined {
    for (let next = this.#later.peek(); next !== undefined; next = this.#later.peek()) {
      const isOutdated = next.line.dueAtElapsedMs !== next.dueAtMs
      if (!isOutdated && next.dueAtMs > elapsedMs) break
      this.#later.pop()
      if (isOutdated) continue
      this.#isDue.add(next.line)
      this.#due.push(next.line)
    }
    for (let next = this.#due.peek(); next !== undefined; next = this.#due.peek()) {
      if (this.#isDue.has(next)) return next
      this.#due.pop()
    }
    return undefined
  }

  /** Removes the line that `peek` returned. */
  take(line: T): void {
    this.#due.pop()
    this.#isDue.delete(line)
  }

  /** Returns how long until the first line that is not due yet falls due. Call `peek` before. */
  nextDueInMs(elapsedMs: number): number | undefined {
    const next = this.#later.peek()
    return next === undefined ? undefined : next.dueAtMs - elapsedMs
  }
}

/** Lines that follow each other in a file, and are read one after the other. */
interface Run extends SendOrder {
  /** Whether all its lines were read. It may grow then. */
  readonly isAtEnd: boolean
}

/** Orders runs of lines. Adding and removing take logarithmic time, as every line may begin a run. */
export class RunQueue<R extends Run> {
  readonly #runs = new Heap<R>(compare)
  #newest: R | undefined

  /** The run that was added last, if it is still here. */
  get newest(): R | undefined {
    return this.#newest
  }

  add(run: R): void {
    this.#runs.push(run)
    this.#newest = run
  }

  /** Returns the run with the first line to send, and removes those at their end that come before it. */
  peek(): R | undefined {
    for (let first = this.#runs.peek(); first?.isAtEnd; first = this.#runs.peek()) {
      this.#runs.pop()
      if (first === this.#newest) this.#newest = undefined
    }
    return this.#runs.peek()
  }

  /** Keeps only some runs. */
  keep(isKept: (run: R) => boolean): void {
    this.#runs.keep(isKept)
    if (this.#newest !== undefined && !isKept(this.#newest)) this.#newest = undefined
  }
}

class Heap<T> {
  #items: T[] = []
  readonly #compare: (a: T, b: T) => number

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  /** Keeps only some items. */
  keep(isKept: (item: T) => boolean): void {
    const kept = this.#items.filter(isKept)
    this.#items = []
    for (const item of kept) this.push(item)
  }

  push(item: T): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#compare(item, items[parent] as T) >= 0) break
      items[at] = items[parent] as T
      at = parent
    }
    items[at] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const item = items.pop()
    if (item === undefined || items.length === 0) return first
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#compare(items[child + 1] as T, items[child] as T) < 0) child += 1
      if (this.#compare(items[child] as T, item) >= 0) break
      items[at] = items[child] as T
      at = child
    }
    items[at] = item
    return first
  }
}
