import type { Clock } from '../clock.ts'

/** Gives things up that take too long. */
export interface Deadlines<T> {
  add(thing: T): void
  /** Removes a thing that finished in time. */
  delete(thing: T): void
}

/** Creates deadlines of one length, so that the first thing added is the first due and one timer serves all. */
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
