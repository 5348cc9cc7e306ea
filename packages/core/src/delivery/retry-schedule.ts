import { defaultRateLimitMs } from '../px/delivery-result.ts'

const firstMs = 1_000
const longestMs = 300_000
const longestRateLimitMs = 900_000

/**
 * Returns the delay before the next attempt, in milliseconds. It grows exponentially from 1 second to 5 minutes, with full jitter, so
 * that processes that failed together do not retry together. Attempts never end, because the counts of a day are small.
 *
 * @param attempt attempts made so far, 1 after the first
 * @param random returns a number between 0 and 1
 */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(Math.max(attempt, 1) - 1, 30))
  return Math.max(firstMs / 2, Math.round(ceiling * random()))
}

/**
 * Returns the delay after a 429 of PX, in milliseconds: that of `Retry-After`, or else 30 seconds, doubling up to 15 minutes while PX
 * keeps returning 429 (a daily quota may be exhausted for hours). A random part of up to a quarter is added, so that several
 * processes do not retry together.
 *
 * @param times responses 429 in a row, 1 after the first
 */
export function rateLimitDelayMs(
  retryAfterMs: number | undefined,
  times: number,
  random: () => number = Math.random,
): number {
  if (retryAfterMs !== undefined) return retryAfterMs
  const base = Math.min(longestRateLimitMs, defaultRateLimitMs * 2 ** Math.min(times - 1, 30))
  return Math.round(base * (1 + random() / 4))
}
