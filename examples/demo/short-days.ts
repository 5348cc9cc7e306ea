import type { Clock } from '@px-usage/core'

const dayMs = 86_400_000

/**
 * Creates a clock whose day lasts `realDayMs`. It starts 30 days ago at midnight UTC, so that no event is dated in the future.
 */
export function shortDays(realDayMs: number): Clock {
  const speed = dayMs / realDayMs
  const start = Math.floor(Date.now() / dayMs - 30) * dayMs
  const startedAt = performance.now()
  const elapsed = () => (performance.now() - startedAt) * speed
  return {
    elapsed,
    now: () => Math.round(start + elapsed()),
    setTimer(task, delayMs) {
      const timer = setTimeout(task, delayMs / speed)
      timer.unref()
      return () => clearTimeout(timer)
    },
  }
}
