import type { Clock } from '@px-usage/core'

/** The system's clock, faster by a factor, from a start that several processes agree on. */
export function fastClock(startMs: number, realStartMs: number, speed: number): Clock {
  // Both from one source, or their rounding would look like steps of the clock.
  const now = () => startMs + (performance.timeOrigin + performance.now() - realStartMs) * speed
  return {
    now,
    elapsed: now,
    setTimer(task, delayMs, keepAlive = false) {
      const timer = setTimeout(task, Math.min(delayMs / speed, 2 ** 31 - 1))
      if (!keepAlive) timer.unref()
      return () => clearTimeout(timer)
    },
  }
}
