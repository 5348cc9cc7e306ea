import { performance } from 'node:perf_hooks'
import timers from 'node:timers'

/**
 * Where the engine gets its time. Injectable, so that tests and demos can move it.
 *
 * The only file of the engine that reads the time or sets a timer.
 */
export interface Clock {
  /** Wall-clock time, epoch milliseconds. May step back and forth. */
  now(): number
  /** Milliseconds since some fixed point; never goes back. Used to tell a step of the wall clock from time that passed. */
  elapsed(): number
  /**
   * Runs `task` once after `delayMs`.
   *
   * @param keepAlive whether the process waits for it: only while the app itself waits, in `close()`
   * @returns a function that cancels it
   */
  setTimer(task: () => void, delayMs: number, keepAlive?: boolean): () => void
}

/**
 * Node's own functions, taken when this file is loaded. Fake timers of test kits (Jest, Vitest, `node:test`) take the place
 * of the global ones later: `close()` would wait for ever for a turn of the event loop that only the test can make.
 */
const { setTimeout, clearTimeout, setImmediate, clearImmediate } = timers
const now = Date.now
const elapsed = performance.now.bind(performance)

/** Longest delay that Node's timers take; a longer one would fire after 1 ms (Node.js docs, `setTimeout`). */
const maxTimerDelayMs = 2 ** 31 - 1

/** Lets everything else that waits for the event loop run first. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Runs `task` at the end of this turn of the event loop. @returns a function that cancels it */
export function atEndOfTurn(task: () => void): () => void {
  const immediate = setImmediate(task)
  return () => clearImmediate(immediate)
}

/** Runs one task at the ends of turns of the event loop, with a pause after each run. */
export interface PacedTask {
  /** Runs the task once: at the end of this turn, or when the pause after the last run is over. @returns a function that cancels it */
  runSoon(): () => void
}

/**
 * Paces a task whose price is the same however much it has to do: a busy process pays it less often, and a quiet one does not
 * wait. Real time is meant, also with a `Clock` that the app has given. The process does not end before the task has run.
 *
 * @param pauseMs Node rounds timers to milliseconds, so a pause takes up to one more
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
      const timer = setTimeout(run, waitMs)
      return () => clearTimeout(timer)
    },
  }
}

export const systemClock: Clock = {
  now: () => now(),
  elapsed: () => elapsed(),
  setTimer(task, delayMs, keepAlive = false) {
    const timer = setTimeout(task, Math.min(delayMs, maxTimerDelayMs))
    if (!keepAlive) timer.unref()
    return () => clearTimeout(timer)
  },
}
