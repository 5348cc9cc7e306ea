const firstMs = 1_000
const longestMs = 300_000

/**
 * How long to wait before attempt `attempt + 1`: exponential from one second to five minutes with full jitter, so that a
 * fleet that failed together does not come back together. There is no last attempt: a day of counts is small and waits.
 *
 * @param attempt attempts made so far, 1 after the first
 * @param random between 0 and 1
 */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(Math.max(attempt, 1) - 1, 30))
  return Math.max(firstMs / 2, Math.round(ceiling * random()))
}
