import type { Clock } from '../clock.ts'

/** Things that are given up when they take too long. */
export interface Deadlines<T> {
  add(thing: T): void
  /** It came in time. */
  delete(thing: T): void
}

/** All things get the same time, so the first one added is the first one due: one timer serves them all. */
export function createDeadlines<T>(clock: Clock, limitMs: number, giveUp: (thing: T) => void): Deadlines<T> {
  const dueAt = new Map<T, number>()
  let cancel: (() => void) | undefined

  function ring(): void {
    cancel = undefined
    const nowMs = clock.elapsed()
    for (const [thing, dueAtMs] of dueAt) {
      if (dueAtMs > nowMs) {
        cancel = clock.setTimer(ring, Math.ceil(dueAtMs - nowMs))
        return
      }
      dueAt.delete(thing)
      giveUp(thing)
    }
  }

  return {
    add(thing) {
      dueAt.set(thing, clock.elapsed() + limitMs)
      cancel ??= clock.setTimer(ring, limitMs)
    },
    delete(thing) {
      dueAt.delete(thing)
      if (dueAt.size > 0) return
      cancel?.()
      cancel = undefined
    },
  }
}
