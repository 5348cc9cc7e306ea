import type { Clock } from '../clock.ts'
import { quoted, UsageError } from '../errors.ts'
import type { ClaimedLine, OutboxCounts, OutboxLine, Settlement, WaitingLine } from '../model/outbox-line.ts'
import { compare, DueQueue, type SendOrder, type Waiting } from './due-queue.ts'

/** Duration of a claim, 300000 ms (5 minutes), longer than any request. After it, a line that was never settled is due again. */
export const claimMs = 300_000
/** Longest wait after a restart, 3600000 ms (1 hour): the wall clock may have jumped by years since the wait was recorded. */
const longestWaitMs = 3_600_000
/** Number of ids of single lines that are remembered after their delivery; the oldest are forgotten first. */
export const mostKnownPuts = 10_000

/** The state of a line that is neither delivered nor rejected. */
export interface LineState {
  state: WaitingLine['state']
  attempts: number
  attemptedAtMs?: number | undefined
}

/**
 * Returns the state of a line without a recorded attempt.
 *
 * @param isLost whether attempts may have been recorded in a log that was lost, so that PX may have the line
 */
export function unattempted(isLost: boolean): LineState {
  return { state: isLost ? 'unconfirmed' : 'pending', attempts: isLost ? 1 : 0, attemptedAtMs: undefined }
}

/** Records an attempt. From then on PX may have the line. */
export function attempt(line: LineState, atMs: number): void {
  line.state = 'unconfirmed'
  line.attempts += 1
  line.attemptedAtMs = atMs
}

/** Records what became of an attempt. @returns whether the line is over */
export function settle(line: LineState, state: Settlement['state']): boolean {
  if (state === 'delivered' || state === 'rejected' || state === 'withdrawn') return true
  line.state = state
  return false
}

/** @throws {UsageError} `PXU_ERR_STORE_UNAVAILABLE` if ids name a line twice */
export function refuseTwice(ids: readonly string[]): void {
  if (new Set(ids).size === ids.length) return
  throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `The ids ${quoted(ids.join())} name a line twice.`)
}

/** A line of the outbox in memory: its state, and when it is sent. */
export interface OpenLine extends LineState, Waiting {
  isClaimed: boolean
}

/**
 * Owns the states of the lines of an outbox, and counts them. A line is claimed, attempted and settled here only, whether the
 * outbox is in memory or on a disk.
 */
export class LineStates<L extends OpenLine> {
  readonly #clock: Pick<Clock, 'now' | 'elapsed'>
  readonly #counts: Record<Exclude<Settlement['state'], 'withdrawn'>, number>
  readonly #queue = new DueQueue<L>()
  readonly #claimed = new Map<string, L>()
  readonly #known = new Set<string>()

  /** @param settled number of lines that were settled before a restart */
  constructor(clock: Pick<Clock, 'now' | 'elapsed'>, settled = { delivered: 0, rejected: 0 }) {
    const { delivered, rejected } = settled
    this.#clock = clock
    this.#counts = { delivered, rejected, pending: 0, unconfirmed: 0 }
  }

  counts(): OutboxCounts {
    const { delivered, pending, unconfirmed, rejected } = this.#counts
    return {
      ...{ closed: delivered + pending + unconfirmed + rejected },
      ...{ delivered, pending, unconfirmed, rejected },
    }
  }

  /** Ids of single lines that were added lately, oldest first. */
  get known(): ReadonlySet<string> {
    return this.#known
  }

  /** Remembers the id of a single line, so that it is not added again after its delivery. */
  remember(id: string): void {
    // An id that comes again is the newest one.
    this.#known.delete(id)
    this.#known.add(id)
    if (this.#known.size > mostKnownPuts) this.#known.delete(this.#known.values().next().value as string)
  }

  /** Counts lines that are not held in memory. @param number negative for lines that can no longer be read */
  count(state: Exclude<Settlement['state'], 'withdrawn'>, number: number): void {
    this.#counts[state] += number
  }

  /** Adds a line. @param dueAtMs when it is due, by the wall clock of the process that recorded it; 0 for now */
  add(line: L, dueAtMs = 0): void {
    this.#counts[line.state] += 1
    this.wait(line, Math.min(Math.max(dueAtMs - this.#clock.now(), 0), longestWaitMs))
  }

  /** Makes a line wait for `waitMs`. */
  wait(line: L, waitMs: number): void {
    line.dueAtElapsedMs = this.#clock.elapsed() + waitMs
    this.#queue.add(line)
  }

  /** Returns when a line is due, by the wall clock, the only one a later process can compare with; 0 for a line that does not wait. */
  dueAtMs({ isClaimed, dueAtElapsedMs }: L): number {
    const waitMs = isClaimed ? 0 : dueAtElapsedMs - this.#clock.elapsed()
    return waitMs > 0 ? this.#clock.now() + waitMs : 0
  }

  /** Returns how long until the first line that is not due yet falls due. */
  nextDueInMs(): number | undefined {
    const elapsedMs = this.#clock.elapsed()
    this.#queue.peek(elapsedMs)
    return this.#queue.nextDueInMs(elapsedMs)
  }

  /** Returns the first line that is due, and removes it from the order; `undefined` if `other` comes first. */
  next(other?: SendOrder): L | undefined {
    const line = this.#queue.peek(this.#clock.elapsed())
    if (line === undefined || (other !== undefined && compare(line, other) > 0)) return undefined
    this.#queue.take(line)
    return line
  }

  /** Claims a line that `next` returned. If it is never settled, it is due again once the claim is over. */
  claim(line: L, content: OutboxLine): ClaimedLine {
    const { state, attempts, attemptedAtMs } = line
    line.isClaimed = true
    this.wait(line, claimMs)
    this.#claimed.set(content.id, line)
    return { ...content, state, attempts, attemptedAtMs }
  }

  /** Returns claimed lines. @throws {UsageError} if one was not claimed, or is named twice */
  claimed(ids: readonly string[]): L[] {
    refuseTwice(ids)
    return ids.map((id) => {
      const line = this.#claimed.get(id)
      if (line !== undefined) return line
      throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `The line ${quoted(id)} was not claimed.`)
    })
  }

  attempt(lines: readonly L[], atMs: number): void {
    for (const line of lines) {
      this.#counts[line.state] -= 1
      attempt(line, atMs)
      this.#counts[line.state] += 1
    }
  }

  /** Settles a claimed line. @returns whether it is over */
  settle(line: L, settlement: Settlement): boolean {
    this.#claimed.delete(settlement.id)
    line.isClaimed = false
    this.#counts[line.state] -= 1
    if (settlement.state !== 'withdrawn') this.#counts[settlement.state] += 1
    const isOver = settle(line, settlement.state)
    if (isOver) this.#queue.remove(line)
    else this.wait(line, 'waitMs' in settlement ? settlement.waitMs : 0)
    return isOver
  }

  /** Gives up a line that can no longer be read. */
  lose(line: L): void {
    this.#queue.remove(line)
    this.#counts[line.state] -= 1
  }
}
