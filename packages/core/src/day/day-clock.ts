import type { Clock } from '../clock.ts'

/** Time is read again at least this often, so that a suspended machine or a corrected clock is noticed soon. */
const tickMs = 60_000

export interface DayClock {
  start(): void
  stop(): void
}

/**
 * Wakes the meter when something of the day may be due: at least once a minute, and just after `dueAt()`.
 *
 * There is no single long timer to midnight: it would not survive a suspended machine or a step of the clock.
 */
export function createDayClock(clock: Clock, dueAt: () => number, wake: () => Promise<void>): DayClock {
  let cancel = () => {}
  let running = false

  function schedule(): void {
    const delayMs = Math.min(tickMs, Math.max(1, dueAt() - clock.now()))
    cancel = clock.setTimer(() => {
      void wake().finally(() => {
        if (running) schedule()
      })
    }, delayMs)
  }

  return {
    start() {
      if (running) return
      running = true
      schedule()
    },
    stop() {
      running = false
      cancel()
    },
  }
}
