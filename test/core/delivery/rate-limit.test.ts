import { fakeClock } from '@px-usage/core/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDailyBudget } from '../../../packages/core/src/delivery/daily-budget.ts'
import { createRateLimit } from '../../../packages/core/src/delivery/rate-limit.ts'
import type { Notes } from '../../../packages/core/src/files/note.ts'
import { mostIn } from '../../support/most-in.ts'

const second = 1_000
const day = 86_400_000

function notes(): Notes & { written: string[] } {
  const kept = new Map<string, string>()
  const written: string[] = []
  return {
    written,
    readNote: async (name) => kept.get(name),
    async writeNote(name, value) {
      kept.set(name, value)
      written.push(value)
    },
    discardNote: async () => {},
  }
}

async function startTimes(
  perSecond: number,
  count: number,
  stallMs: (n: number) => number,
): Promise<number[]> {
  const clock = fakeClock('2026-11-24T00:00:00Z')
  const budget = createDailyBudget({ notes: notes(), clock, perDay: 1e9 })
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
      budget: createDailyBudget({ notes: notes(), clock, perDay: 9 }),
    })
    const permits = Promise.all([rateLimit.acquire(), rateLimit.acquire(), rateLimit.acquire()])
    await clock.advance(0)
    rateLimit.stop()
    expect(await permits).toEqual(['granted', 'closed', 'closed'])
  })
})

describe('the daily budget', () => {
  it('grants a number of requests a day and starts again at midnight in UTC', async () => {
    const clock = fakeClock('2026-11-24T23:00:00Z')
    const budget = createDailyBudget({ notes: notes(), clock, perDay: 3 })
    const granted = async () => {
      const permits: boolean[] = []
      for (let n = 0; n < 4; n++) permits.push(await budget.spend())
      return permits
    }
    expect(await granted()).toEqual([true, true, true, false])
    expect([budget.spent(), budget.left(), budget.untilNextDayMs()]).toEqual([3, 0, 3_600_000])
    await clock.advance(3_600_000)
    expect([budget.spent(), budget.left()]).toEqual([0, 3])
    expect(await granted()).toEqual([true, true, true, false])
  })

  it('gives no second budget to a clock that steps back over midnight', async () => {
    const clock = fakeClock('2026-11-25T00:00:30Z')
    const budget = createDailyBudget({ notes: notes(), clock, perDay: 2 })
    await budget.spend()
    clock.step(-60_000)
    await budget.spend()
    clock.step(60_000)
    expect(await budget.spend()).toBe(false)
  })

  it('counts after a crash never fewer than were made, and writes rarely', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5_000 }),
        fc.array(fc.record({ requests: fc.integer({ min: 0, max: 400 }), isClean: fc.boolean() }), {
          maxLength: 8,
        }),
        async (perDay, lives) => {
          const clock = fakeClock('2026-11-24T01:00:00Z')
          const kept = notes()
          let made = 0
          for (const { requests, isClean } of lives) {
            const budget = createDailyBudget({ notes: kept, clock, perDay })
            for (let n = 0; n < requests; n++) if (await budget.spend()) made += 1
            expect(budget.spent() === 0 || budget.spent() >= made).toBe(true)
            if (isClean) await budget.settle()
          }
          expect(made).toBeLessThanOrEqual(perDay)
          const block = Math.max(1, Math.floor(perDay / 1_000))
          expect(kept.written.length).toBeLessThanOrEqual(made / block + 2 * lives.length)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('counts exactly over clean restarts', async () => {
    const clock = fakeClock('2026-11-24T01:00:00Z')
    const kept = notes()
    for (let life = 1; life <= 3; life++) {
      const budget = createDailyBudget({ notes: kept, clock, perDay: 800_000 })
      for (let n = 0; n < 10; n++) await budget.spend()
      expect(budget.spent()).toBe(life * 10)
      await budget.settle()
    }
  })

  it('starts again when its note cannot be read or is of another day', async () => {
    for (const noted of ['', 'junk', '99999999999999 x', '2 800000', 'NaN NaN']) {
      const clock = fakeClock(100 * day)
      const kept = notes()
      await kept.writeNote('delivery requests', noted)
      const budget = createDailyBudget({ notes: kept, clock, perDay: 5 })
      expect(await budget.spend()).toBe(true)
      expect(budget.spent()).toBe(1)
    }
  })
})
