import { defaultPatienceMs } from '../px/delivery-result.ts'

const firstMs = 1_000
const longestMs = 300_000
const longestPatienceMs = 900_000

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

/**
 * How long to wait when PX asks for patience: as long as it says, else half a minute, doubling to a quarter of an hour while it
 * goes on (a spent daily quota lasts for hours). Up to a quarter more, so that a fleet does not come back together.
 *
 * @param times how often in a row it has asked, 1 at first
 */
export function patienceAfterMs(
  askedMs: number | undefined,
  times: number,
  random: () => number = Math.random,
): number {
  if (askedMs !== undefined) return askedMs
  const base = Math.min(longestPatienceMs, defaultPatienceMs * 2 ** Math.min(times - 1, 30))
  return Math.round(base * (1 + random() / 4))
}
