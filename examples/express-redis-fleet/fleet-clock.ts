import type { Clock } from '@px-usage/core'

const dayMs = 86_400_000
const minuteMs = 60_000
/** Each day of this clock is the time from 23:56 to 00:02 UTC. It skips the rest of the 24 hours. */
const shownMs = 6 * minuteMs
const beforeMidnightMs = 4 * minuteMs

/**
 * Creates a clock that passes a midnight in each `realDayMs`. All processes that give it the same `startedAt` have the same time. It
 * starts 30 days ago, so that no event is dated in the future.
 */
export function fleetClock(startedAt: number, realDayMs: number): Clock {
  const start = Math.floor(startedAt / dayMs - 30) * dayMs - beforeMidnightMs
  const speed = shownMs / realDayMs
  const realMs = () => performance.timeOrigin + performance.now() - startedAt
  const elapsedAt = (real: number) => Math.floor(real / realDayMs) * dayMs + (real % realDayMs) * speed
  const realAt = (elapsed: number) =>
    Math.floor(elapsed / dayMs) * realDayMs + Math.min((elapsed % dayMs) / speed, realDayMs)
  const elapsed = () => elapsedAt(realMs())
  return {
    elapsed,
    now: () => Math.round(start + elapsed()),
    setTimer(task, delayMs, keepAlive = false) {
      const timer = setTimeout(task, realAt(elapsed() + delayMs) - realMs())
      if (!keepAlive) timer.unref()
      return () => clearTimeout(timer)
    },
  }
}
