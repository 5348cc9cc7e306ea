import type { Clock } from '../clock.ts'
import type { Permit } from '../px/permit.ts'
import type { DailyBudget } from './daily-budget.ts'

/** Limits the rate of requests to PX. */
export interface RateLimit {
  /** Resolves when one request may start. @throws {UsageError} if the store of the budget fails */
  acquire(): Promise<Permit>
  /** Resolves all waiting calls, and all later ones, to `'closed'`. */
  stop(): void
}

/** The share of a second's requests that may start at once. */
const burstShare = 0.1

/**
 * Creates a rate limit of `perSecond` requests in any second, and of the daily budget.
 *
 * It is a token bucket that refills slower than `perSecond`, so that a full burst and the refill of the following second are together
 * no more than `perSecond`. Calls are served in order. A token is taken when its request starts, so that timers that fire late at
 * the same time do not start requests at the same time.
 *
 * @param settings.clock real time, because PX does not follow the clock of a test or a demo
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
  let previous: Promise<unknown> = Promise.resolve()
  let isStopped = false
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
    // Waits for a full burst, not for one token: a process that wakes up for each request takes three times the CPU.
    for (fill(); tokens < 1 && !isStopped; fill()) await sleep(Math.ceil((burst - tokens) / perMs))
    if (isStopped) return 'closed'
    if (!(await budget.spend())) return 'budgetSpent'
    tokens -= 1
    return 'granted'
  }

  return {
    acquire() {
      const permit = previous.then(next)
      previous = permit.catch(() => {})
      return permit
    },
    stop() {
      isStopped = true
      wakeUp()
    },
  }
}
