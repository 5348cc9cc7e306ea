import type { Clock } from '../clock.ts'
import type {
  Claim,
  ClaimedLine,
  OutboxCounts,
  OutboxLine,
  RejectedLine,
  Settlement,
  WaitingLine,
} from '../model/outbox-line.ts'
import { compare } from './due-queue.ts'
import { LineStates, type OpenLine, unattempted } from './line-states.ts'

interface LineInMemory extends OpenLine {
  readonly line: OutboxLine
}

/** The outbox of the memory store. */
export class MemoryOutbox {
  readonly rejected: RejectedLine[] = []
  readonly #clock: Pick<Clock, 'now' | 'elapsed'>
  readonly #states: LineStates<LineInMemory>
  readonly #open = new Map<string, LineInMemory>()
  #order = 0

  constructor(clock: Pick<Clock, 'now' | 'elapsed'>) {
    this.#clock = clock
    this.#states = new LineStates(clock)
  }

  add(lines: readonly OutboxLine[]): void {
    for (const line of lines) {
      const { id, day, rank } = line
      if (this.#open.has(id)) continue
      this.#order += 1
      const place = { day, rank, order: this.#order, dueAtElapsedMs: 0 }
      const open = { line, ...place, ...unattempted(false), isClaimed: false }
      this.#open.set(id, open)
      this.#states.add(open)
    }
  }

  put(lines: readonly OutboxLine[]): void {
    for (const line of lines) {
      if (this.#states.known.has(line.id)) continue
      this.#states.remember(line.id)
      this.add([line])
    }
  }

  counts(): OutboxCounts {
    return this.#states.counts()
  }

  /** Returns the waiting lines in the order of sending. */
  waiting(): WaitingLine[] {
    return [...this.#open.values()].sort(compare).map(({ line, state }) => ({ ...line, state }))
  }

  claim(limit: number): Claim {
    const lines: ClaimedLine[] = []
    while (lines.length < limit) {
      const next = this.#states.next()
      if (next === undefined) break
      lines.push(this.#states.claim(next, next.line))
    }
    return { lines, nextDueInMs: this.#states.nextDueInMs() }
  }

  markAttempts(ids: readonly string[], atMs: number): void {
    this.#states.attempt(this.#states.claimed(ids), atMs)
  }

  settle(settlements: readonly Settlement[]): void {
    const lines = this.#states.claimed(settlements.map(({ id }) => id))
    for (const [place, settlement] of settlements.entries()) {
      const open = lines[place] as LineInMemory
      if (!this.#states.settle(open, settlement)) continue
      this.#open.delete(settlement.id)
      if (settlement.state !== 'rejected') continue
      this.rejected.push({ ...open.line, reason: settlement.reason, rejectedAtMs: this.#clock.now() })
    }
  }
}
