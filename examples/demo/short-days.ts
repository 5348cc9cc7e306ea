import type { Clock } from '@px-usage/core'

export const dayMs = 86_400_000

/** Creates a clock that starts at `startMs`, and whose day lasts `realDayMs`. */
export function shortDays(startMs: number, realDayMs: number): Clock {
  const speed = dayMs / realDayMs
  const startedAt = performance.now()
  const elapsed = () => (performance.now() - startedAt) * speed
  return {
    elapsed,
    now: () => Math.round(startMs + elapsed()),
    setTimer(task, delayMs) {
      const timer = setTimeout(task, delayMs / speed)
      timer.unref()
      return () => clearTimeout(timer)
    },
  }
}
