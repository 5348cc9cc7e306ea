import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'

/** A claim ends by itself: whoever claimed a line could perhaps not tell what became of it. Longer than any request. */
export const leaseMs = 300_000
/** No line waits longer than this after a restart, whatever the wall clock was when its wait was noted. */
export const longestWaitMs = 3_600_000
/** So many ids of lines put singly are remembered after their delivery, the oldest forgotten first. */
export const maxKnownPuts = 10_000

/** The order of sending: oldest day first, within a day totals before details, then as they came. */
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
 * A line that waits: due at a time, which may change while it waits.
 *
 * By the monotonic clock: a wall clock that was ahead when the line was given back would hold it for as long once it is right again.
 */
export interface Waiting extends SendOrder {
  dueAtElapsedMs: number
}

/**
 * Lines that wait for their time, and lines whose time has come, in the order of sending. Adding and taking cost the
 * logarithm of their number.
 */
export class DueQueue<T extends Waiting> {
  readonly #later = new Heap<{ line: T; dueAtMs: number }>((a, b) => a.dueAtMs - b.dueAtMs)
  readonly #due = new Heap<T>(compare)
  readonly #isDue = new Set<T>()

  /** Takes the line in at its `dueAtElapsedMs`; if it waits already, that changes its time. */
  add(line: T): void {
    this.#isDue.delete(line)
    this.#later.push({ line, dueAtMs: line.dueAtElapsedMs })
  }

  /** The line is not waited for any more. */
  remove(line: T): void {
    this.#isDue.delete(line)
    line.dueAtElapsedMs = Number.POSITIVE_INFINITY
  }

  /** The first line to send now; it stays. */
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

  /** Takes out what `peek` answered. */
  take(line: T): void {
    this.#due.pop()
    this.#isDue.delete(line)
  }

  /** How long until the first of the lines that are not due yet falls due. Ask `peek` before. */
  nextDueInMs(elapsedMs: number): number | undefined {
    const next = this.#later.peek()
    return next === undefined ? undefined : next.dueAtMs - elapsedMs
  }
}

class Heap<T> {
  readonly #items: T[] = []
  readonly #compare: (a: T, b: T) => number

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  peek(): T | undefined {
    return this.#items[0]
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
