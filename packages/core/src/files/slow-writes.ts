/** Detects writes that are too slow to happen in every turn of the event loop. */
export interface SlowWrites {
  record(tookMs: number, atMs: number): void
  /** The store calls it for each flush. */
  isSlow(atMs: number): boolean
}

const verySlowMs = 20
const slowMs = 1
/** One slow write in a hundred is normal. */
const slowShare = 0.01
const windowMs = 10_000
/** Fewer writes than this say nothing about a share. */
const fewestWrites = 200
/** How long writes count as slow before every turn writes again: 60000 ms (1 minute). */
const retryAfterMs = 60_000

/** @param onChange called with the reason when writes become slow, and when every turn writes again */
export function createSlowWrites(onChange: (isSlow: boolean, reason: string) => void): SlowWrites {
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
        onChange(false, 'writes are tried in every turn again')
      }
      return slowUntilMs !== undefined
    },
  }
}
