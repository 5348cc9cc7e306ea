import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rateLimitDelayMs, retryDelayMs } from '../../../packages/core/src/delivery/retry-schedule.ts'

const most = () => 1

it('delays double from 1 s to at most 5 minutes', () => {
  expect([1, 2, 3, 9, 10, 1_000].map((attempt) => retryDelayMs(attempt, most))).toEqual([
    1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
  ])
})

it('a delay is anywhere between half a second and its ceiling', () => {
  fc.assert(
    fc.property(fc.nat(2_000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const delayMs = retryDelayMs(attempt, () => random)
      expect(delayMs).toBeGreaterThanOrEqual(500)
      expect(delayMs).toBeLessThanOrEqual(retryDelayMs(attempt, most))
    }),
  )
})

it('patience is what PX asks for, and otherwise doubles from 30 s to 15 minutes', () => {
  const none = () => 0
  expect(rateLimitDelayMs(7_000, 5, most)).toBe(7_000)
  expect([1, 2, 6, 1_000].map((times) => rateLimitDelayMs(undefined, times, none))).toEqual([
    30_000, 60_000, 900_000, 900_000,
  ])
  expect(rateLimitDelayMs(undefined, 1, most)).toBe(37_500)
})
