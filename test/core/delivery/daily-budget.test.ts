import { fakeClock } from '@px-usage/core/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDailyBudget } from '../../../packages/core/src/delivery/daily-budget.ts'
import { memoryNotes } from '../../support/memory-notes.ts'

const _second = 1_000
const day = 86_400_000

describe('the daily budget', () => {
  it('grants a number of requests a day and starts again at midnight in UTC', async () => {
    const clock = fakeClock('2026-11-24T23:00:00Z')
    const budget = createDailyBudget({ notes: memoryNotes(), clock, perDay: 3 })
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
    const budget = createDailyBudget({ notes: memoryNotes(), clock, perDay: 2 })
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
          const kept = memoryNotes()
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
    const kept = memoryNotes()
    for (let life = 1; life <= 3; life++) {
      const budget = createDailyBudget({ notes: kept, clock, perDay: 800_000 })
      for (let n = 0; n < 10; n++) await budget.spend()
      expect(budget.spent()).toBe(life * 10)
      await budget.settle()
    }
  })

  it('is one for all processes that share a store, whichever of them sends', async () => {
    const clock = fakeClock('2026-11-24T01:00:00Z')
    const notes = memoryNotes()
    const [a, b] = [0, 1].map(() => createDailyBudget({ notes, clock, perDay: 10 }))
    const spend = async (budget = a, requests = 0) => {
      let granted = 0
      for (let n = 0; n < requests; n++) if (await budget?.spend()) granted += 1
      return granted
    }
    expect([await spend(a, 4), await spend(b, 3), await spend(a, 2)]).toEqual([4, 3, 2])
    expect([await spend(b, 5), await spend(a, 5)]).toEqual([1, 0])
    await clock.advance(day)
    expect([await spend(b, 6), await spend(a, 6)]).toEqual([6, 4])
  })

  it('does not take back what another process has spent when it ends', async () => {
    const clock = fakeClock('2026-11-24T01:00:00Z')
    const notes = memoryNotes()
    const [a, b, next] = [0, 1, 2].map(() => createDailyBudget({ notes, clock, perDay: 5_000 }))
    for (let n = 0; n < 3; n++) await a?.spend()
    for (let n = 0; n < 12; n++) await b?.spend()
    await a?.settle()
    await next?.spend()
    expect(next?.spent()).toBeGreaterThan(15)
  })

  it('starts again when its note cannot be read or is of another day', async () => {
    for (const noted of ['', 'junk', '99999999999999 x', '2 800000', 'NaN NaN']) {
      const clock = fakeClock(100 * day)
      const kept = memoryNotes()
      await kept.writeNote('delivery requests', noted)
      const budget = createDailyBudget({ notes: kept, clock, perDay: 5 })
      expect(await budget.spend()).toBe(true)
      expect(budget.spent()).toBe(1)
    }
  })
})
