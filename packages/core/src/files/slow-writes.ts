/** When writes were so slow that they should not happen in every turn of the event loop. */
export interface WriteGuard {
  record(tookMs: number, atMs: number): void
  /** Asked for each flush. */
  isSlow(atMs: number): boolean
}

const verySlowMs = 20
const slowMs = 1
/** One write in a hundred may be slow. */
const slowShare = 0.01
const windowMs = 10_000
/** So few writes say nothing about a share. */
const fewestWrites = 200
/** Slowness is believed for so long, then writes are tried in every turn again. */
const retryAfterMs = 60_000

/** @param onChange told when writes become slow, with the reason, and when they are tried in every turn again */
export function createWriteGuard(onChange: (isSlow: boolean, reason: string) => void): WriteGuard {
  let slowUntilMs: number | undefined
  let windowEndsMs = Number.NEGATIVE_INFINITY
  let writes = 0
  let slowWrites = 0

  function tooSlow(reason: string, atMs: number): void {
    const isNew = slowUntilMs === undefined
    slowUntilMs = atMs + retryAfterMs
    if (isNew) onChange(true, reason)
  }

  return {
    record(tookMs, atMs) {
      if (atMs >= windowEndsMs) {
        windowEndsMs = atMs + windowMs
        writes = 0
        slowWrites = 0
      }
      writes += 1
      if (tookMs > slowMs) slowWrites += 1
      if (tookMs > verySlowMs) tooSlow(`a write took ${Math.round(tookMs)} ms`, atMs)
      else if (writes >= fewestWrites && slowWrites > writes * slowShare) {
        tooSlow(`${slowWrites} of ${writes} writes took longer than ${slowMs} ms`, atMs)
      }
    },
    isSlow(atMs) {
      if (slowUntilMs !== undefined && atMs >= slowUntilMs) {
        slowUntilMs = undefined
        windowEndsMs = Number.NEGATIVE_INFINITY
        onChange(false, 'it is tried again')
      }
      return slowUntilMs !== undefined
    },
  }
}
