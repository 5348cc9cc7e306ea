import { AsyncResource } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'
import timers from 'node:timers'

/**
 * The engine's source of time, which tests and demos can replace. No other file of core reads the time or sets a timer.
 */
export interface Clock {
  /** Returns the wall-clock time in epoch milliseconds. It may step back and forth. */
  now(): number
  /** Returns the milliseconds since a fixed time. It never goes back, so it shows steps of the wall clock. */
  elapsed(): number
  /**
   * Runs `task` once after `delayMs`.
   *
   * @param keepAlive whether the timer keeps the process alive; only for timers that the app awaits, as in `close()`
   * @returns a function that cancels it
   */
  setTimer(task: () => void, delayMs: number, keepAlive?: boolean): () => void
}

/**
 * Node's own functions, taken when this file is loaded. Test tools (Jest, Vitest, `node:test`) replace the global functions with fake
 * timers later, and `close()` would wait for ever for a turn of the event loop that only the test can run.
 */
const { setTimeout, clearTimeout, setImmediate, clearImmediate } = timers
const now = Date.now
const elapsed = performance.now.bind(performance)

/**
 * The async context in which all timers run. A timer that is set in the context of a request would keep the stores of that request
 * in memory, and so would a connection that is opened when it fires.
 */
const ownContext = new (class extends AsyncResource {
  /** `jest --detectOpenHandles` asks it, and would report this resource as a handle that keeps the process alive. */
  hasRef(): boolean {
    return false
  }
})('PxUsage')

/** The longest delay of Node's timers. A timer with a longer one would fire after 1 ms (Node.js docs, `setTimeout`). */
export const maxTimerDelayMs: number = 2 ** 31 - 1

/** Resolves in the next turn of the event loop, so that other work runs first. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Waits for a task, but no longer than `timeoutMs`. What the task does later does no harm.
 *
 * @param keepAlive as for `Clock.setTimer`
 * @returns whether it ended in time, well or not
 */
export function settlesWithin(
  clock: Pick<Clock, 'setTimer'>,
  task: Promise<unknown>,
  { timeoutMs, keepAlive = false }: { timeoutMs: number; keepAlive?: boolean },
): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(() => resolve(false), timeoutMs, keepAlive)
    const finish = () => {
      cancel()
      resolve(true)
    }
    task.then(finish, finish)
  })
}

/** Runs `task` at the end of this turn of the event loop. @returns a function that cancels it */
export function atEndOfTurn(task: () => void): () => void {
  const immediate = ownContext.runInAsyncScope(setImmediate, undefined, task)
  return () => clearImmediate(immediate)
}

/** Runs a task at the ends of turns of the event loop, with a pause after each run. */
export interface PacedTask {
  /** Runs the task once: at the end of this turn, or when the pause after the last run is over. @returns a function that cancels it */
  runSoon(): () => void
}

/**
 * Creates a paced task, for work that costs the same however much it has to do. A busy process then runs it less often, and an idle
 * one runs it without delay. The pause is in real time, and it keeps the process alive until the task has run.
 *
 * @param pauseMs the longest wait in milliseconds, apart from a turn of the event loop that takes longer; Node rounds timers to
 *   milliseconds, so the pause may be 1 ms shorter
 */
export function createPacedTask(task: () => void, pauseMs: number): PacedTask {
  let nextAt = 0

  function run(): void {
    task()
    nextAt = elapsed() + pauseMs
  }

  return {
    runSoon() {
      const waitMs = nextAt - elapsed()
      if (waitMs <= 0) return atEndOfTurn(run)
      // Node would cut the fraction off, and a pause of 2 ms would mostly be one of 1.
      const timer = ownContext.runInAsyncScope(setTimeout, undefined, run, Math.ceil(waitMs))
      return () => clearTimeout(timer)
    },
  }
}

/** The clock of the system. */
export const systemClock: Clock = {
  now: () => now(),
  elapsed: () => elapsed(),
  setTimer(task, delayMs, keepAlive = false) {
    const timer = ownContext.runInAsyncScope(setTimeout, undefined, task, Math.min(delayMs, maxTimerDelayMs))
    if (!keepAlive) timer.unref()
    return () => clearTimeout(timer)
  },
}
