import type { Clock } from '../clock.ts'
import { quoted, UsageError } from '../errors.ts'
import type {
  Claim,
  ClaimedLine,
  OutboxCounts,
  OutboxLine,
  RejectedLine,
  Settlement,
  WaitingLine,
} from '../model/outbox-line.ts'
import { compare, DueQueue, leaseMs, maxKnownPuts } from './due-queue.ts'

/** A line that is neither delivered nor rejected. */
interface OpenLine {
  readonly line: OutboxLine
  readonly day: OutboxLine['day']
  readonly rank: OutboxLine['rank']
  readonly order: number
  state: 'pending' | 'unconfirmed'
  attempts: number
  attemptedAtMs: number | undefined
  dueAtElapsedMs: number
}

/** The outbox of the memory store. */
export class MemoryOutbox {
  readonly rejected: RejectedLine[] = []
  readonly #open = new Map<string, OpenLine>()
  readonly #known = new Set<string>()
  readonly #queue = new DueQueue<OpenLine>()
  #order = 0
  #delivered = 0
  #unconfirmed = 0

  add(lines: readonly OutboxLine[]): void {
    for (const line of lines) {
      if (this.#open.has(line.id)) continue
      this.#order += 1
      const { day, rank } = line
      const open: OpenLine = {
        line,
        day,
        rank,
        order: this.#order,
        state: 'pending',
        attempts: 0,
        attemptedAtMs: undefined,
        dueAtElapsedMs: 0,
      }
      this.#open.set(line.id, open)
      this.#queue.add(open)
    }
  }

  put(lines: readonly OutboxLine[]): void {
    for (const line of lines) {
      if (this.#known.has(line.id)) continue
      this.#known.add(line.id)
      if (this.#known.size > maxKnownPuts) this.#known.delete(this.#known.values().next().value as string)
      this.add([line])
    }
  }

  counts(): OutboxCounts {
    const { size } = this.#open
    return {
      closed: this.#delivered + this.rejected.length + size,
      delivered: this.#delivered,
      pending: size - this.#unconfirmed,
      unconfirmed: this.#unconfirmed,
      rejected: this.rejected.length,
    }
  }

  /** Returns the waiting lines in the order of sending. */
  waiting(): WaitingLine[] {
    return [...this.#open.values()].sort(compare).map(({ line, state }) => ({ ...line, state }))
  }

  claim(limit: number, elapsedMs: number): Claim {
    const lines: ClaimedLine[] = []
    let due = this.#queue.peek(elapsedMs)
    for (; due !== undefined && lines.length < limit; due = this.#queue.peek(elapsedMs)) {
      const { line, state, attempts, attemptedAtMs } = due
      this.#queue.take(due)
      due.dueAtElapsedMs = elapsedMs + leaseMs
      this.#queue.add(due)
      lines.push({ ...line, state, attempts, attemptedAtMs })
    }
    return { lines, nextDueInMs: this.#queue.nextDueInMs(elapsedMs) }
  }

  #linesOf(ids: readonly string[]): OpenLine[] {
    if (new Set(ids).size < ids.length) {
      throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `The ids ${quoted(ids.join())} name a line twice.`)
    }
    return ids.map((id) => {
      const line = this.#open.get(id)
      if (line !== undefined) return line
      throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `The line ${quoted(id)} is not in the outbox.`)
    })
  }

  markAttempts(ids: readonly string[], atMs: number): void {
    for (const line of this.#linesOf(ids)) {
      if (line.state === 'pending') this.#unconfirmed += 1
      line.state = 'unconfirmed'
      line.attempts += 1
      line.attemptedAtMs = atMs
    }
  }

  settle(settlements: readonly Settlement[], { elapsed, now }: Pick<Clock, 'elapsed' | 'now'>): void {
    const elapsedMs = elapsed()
    const lines = this.#linesOf(settlements.map(({ id }) => id))
    for (const [place, settlement] of settlements.entries()) {
      const open = lines[place] as OpenLine
      if (open.state === 'unconfirmed') this.#unconfirmed -= 1
      if (settlement.state === 'pending' || settlement.state === 'unconfirmed') {
        if (settlement.state === 'unconfirmed') this.#unconfirmed += 1
        open.state = settlement.state
        open.dueAtElapsedMs = elapsedMs + settlement.waitMs
        this.#queue.add(open)
        continue
      }
      this.#open.delete(settlement.id)
      this.#queue.remove(open)
      if (settlement.state === 'delivered') this.#delivered += 1
      else this.rejected.push({ ...open.line, reason: settlement.reason, rejectedAtMs: now() })
    }
  }
}
