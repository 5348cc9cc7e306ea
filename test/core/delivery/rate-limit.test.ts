import { fakeClock } from '@px-usage/core/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDailyBudget } from '../../../packages/core/src/delivery/daily-budget.ts'
import { createRateLimit } from '../../../packages/core/src/delivery/rate-limit.ts'
import { memoryNotes } from '../../support/memory-notes.ts'
import { mostIn } from '../../support/most-in.ts'

const second = 1_000

async function startTimes(
  perSecond: number,
  count: number,
  stallMs: (n: number) => number,
): Promise<number[]> {
  const clock = fakeClock('2026-11-24T00:00:00Z')
  const budget = createDailyBudget({ notes: memoryNotes(), clock, perDay: 1e9 })
  const rateLimit = createRateLimit({ clock, budget, perSecond })
  const times: number[] = []
  const lane = async () => {
    while (times.length < count) {
      if ((await rateLimit.acquire()) !== 'granted' || times.length >= count) return
      times.push(clock.elapsed())
    }
  }
  const lanes = Promise.all(Array.from({ length: 8 }, lane))
  for (let n = 0; times.length < count; n++) await clock.advance(stallMs(n))
  rateLimit.stop()
  await lanes
  return times
}

describe('the rate', () => {
  it('is never exceeded in any second, however late timers fire', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 400 }),
        fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 20 }),
        async (perSecond, stalls) => {
          // Two seconds and more; not minutes of a slow rate in steps of a millisecond.
          const times = await startTimes(
            perSecond,
            20 + 2 * perSecond,
            (n) => stalls[n % stalls.length] as number,
          )
          expect(mostIn(second, times)).toBeLessThanOrEqual(perSecond)
        },
      ),
      { numRuns: 40 },
    )
  })

  it.each([
    [150, 0.85],
    [10, 0.85],
    [1, 0.9],
  ])('of %d a second is used to %d at least', async (perSecond, share) => {
    const count = Math.max(20, perSecond * 5)
    const times = await startTimes(perSecond, count, () => 5)
    expect(((times.at(-1) as number) / second) * perSecond * share).toBeLessThanOrEqual(count)
  })

  it('lets those who wait go when it is over', async () => {
    const clock = fakeClock(0)
    const rateLimit = createRateLimit({
      clock,
      perSecond: 1,
      budget: createDailyBudget({ notes: memoryNotes(), clock, perDay: 9 }),
    })
    const permits = Promise.all([rateLimit.acquire(), rateLimit.acquire(), rateLimit.acquire()])
    await clock.advance(0)
    rateLimit.stop()
    expect(await permits).toEqual(['granted', 'closed', 'closed'])
  })
})
