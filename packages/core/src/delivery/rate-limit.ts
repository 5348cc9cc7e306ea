import type { Clock } from '../clock.ts'
import type { Permit } from '../px/permit.ts'
import type { DailyBudget } from './daily-budget.ts'

export interface RateLimit {
  /** Answers when one request may start. @throws {UsageError} when the store of the budget fails */
  acquire(): Promise<Permit>
  /** Everybody who waits is told that it is over. */
  stop(): void
}

/** So many requests may start at once, as a share of a second's. */
const burstShare = 0.1

/**
 * At most `perSecond` requests in any second, and as many a day as the budget grants.
 *
 * A token bucket. It is filled a little slower than `perSecond`, by what it can hold: a full bucket spent at once and a
 * second's filling after it are no more than `perSecond`. Who waits is served in turn, and a token is taken when its request
 * starts, so that timers that fire late together do not make requests start together.
 *
 * @param settings.clock real time: the receiver does not follow a clock that a test or a demo moves
 */
export function createRateLimit({
  clock,
  budget,
  perSecond,
}: {
  clock: Clock
  budget: DailyBudget
  perSecond: number
}): RateLimit {
  const burst = Math.max(1, Math.floor(perSecond * burstShare))
  const perMs = (perSecond - burst + 1) / 1_000
  let tokens = burst
  let filledAtMs = clock.elapsed()
  let queue: Promise<unknown> = Promise.resolve()
  let isOver = false
  let wakeUp = () => {}

  function fill(): void {
    const nowMs = clock.elapsed()
    tokens = Math.min(burst, tokens + (nowMs - filledAtMs) * perMs)
    filledAtMs = nowMs
  }

  function sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.setTimer(resolve, delayMs)
      wakeUp = () => {
        cancel()
        resolve()
      }
    })
  }

  async function next(): Promise<Permit> {
    // Until the bucket is full, not for one token: a process that wakes up for each request takes three times the CPU.
    for (fill(); tokens < 1 && !isOver; fill()) await sleep(Math.ceil((burst - tokens) / perMs))
    if (isOver) return 'over'
    if (!(await budget.spend())) return 'spent'
    tokens -= 1
    return 'go'
  }

  return {
    acquire() {
      const permit = queue.then(next)
      queue = permit.catch(() => {})
      return permit
    },
    stop() {
      isOver = true
      wakeUp()
    },
  }
}
