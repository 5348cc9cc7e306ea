import fc from 'fast-check'
import { expect, it } from 'vitest'
import { apiCalls } from '../../../packages/core/src/counting/instruments.ts'
import { type DayUsage, rollUp } from '../../../packages/core/src/day/rollup.ts'
import { defaults } from '../../../packages/core/src/options.ts'
import type { SeriesTotal } from '../../../packages/core/src/store/store.ts'

const nasty = fc.constantFrom('a', 'b', 'a|b', '["a"]', '__proto__', '', 'a\0', '(overflow)')

const total: fc.Arbitrary<SeriesTotal> = fc.record({
  series: fc.record({
    instrument: fc.constant(apiCalls),
    identity: fc.record({ userId: nasty, accountId: fc.option(nasty, { nil: undefined }) }),
    properties: fc.dictionary(fc.constantFrom('x', 'y'), nasty),
    endpoint: fc.record({ method: fc.constantFrom('GET', 'POST'), route: nasty }),
  }),
  values: fc.tuple(fc.nat(100), fc.nat(9), fc.nat(9), fc.nat(9)),
})

async function rolledUp(totals: SeriesTotal[], revision = 0): Promise<DayUsage[]> {
  const usages: DayUsage[] = []
  const settings = { rollups: defaults.rollups, day: '2026-11-23', timeZone: 'UTC', revision }
  for await (const usage of rollUp(totals, settings)) usages.push(usage)
  return usages
}

it('keeps the sums, makes one line per entity, and counts each call once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(total, { maxLength: 60 }), async (totals) => {
      const usages = await rolledUp(totals)
      const calls = totals.reduce((sum, { values }) => sum + (values[0] ?? 0), 0)
      for (const { eventName } of defaults.rollups) {
        const ofRollup = usages.filter((usage) => usage.eventName === eventName)
        expect(ofRollup.reduce((sum, { measures }) => sum + (measures.apiCalls ?? 0), 0)).toBe(calls)
      }
      expect(usages.reduce((sum, usage) => sum + usage.calls, 0)).toBe(calls)
      expect(new Set(usages.map(({ rollupId }) => rollupId)).size).toBe(usages.length)
      const entities = usages.map(({ eventName, identity, properties, endpoint }) =>
        JSON.stringify([
          eventName,
          identity.userId,
          identity.accountId ?? null,
          Object.entries(properties).sort(),
          endpoint,
        ]),
      )
      expect(new Set(entities).size).toBe(usages.length)
    }),
  )
})

it('makes the same lines in the same order, whatever the order of the series', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(total, { maxLength: 30 }), async (totals) => {
      const summary = (usages: DayUsage[]) => usages.map(({ rollupId, measures }) => [rollupId, measures])
      expect(summary(await rolledUp([...totals].reverse()))).toEqual(summary(await rolledUp(totals)))
    }),
  )
})

it('gives a later revision ids of its own', async () => {
  const totals = fc.sample(total, { numRuns: 20, seed: 1 })
  const first = (await rolledUp(totals, 0)).map(({ rollupId }) => rollupId)
  const second = (await rolledUp(totals, 1)).map(({ rollupId }) => rollupId)
  expect(second.some((id) => first.includes(id))).toBe(false)
})
