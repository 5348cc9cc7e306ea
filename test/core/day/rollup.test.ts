import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apiCalls } from '../../../packages/core/src/counting/instruments.ts'
import { type DayUsage, type RollUpSettings, rollUp } from '../../../packages/core/src/day/rollup.ts'
import type { Instrument, Properties, SeriesTotal } from '../../../packages/core/src/model/series.ts'
import { defaults } from '../../../packages/core/src/options/parse-options.ts'

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

const settings: RollUpSettings = {
  rollups: defaults.rollups,
  day: '2026-11-23',
  timeZone: 'UTC',
  revision: 0,
  namespace: 'AP-ONE-2',
}

/** The lines, and what became of the endpoints. */
async function rolledUpWith(totals: SeriesTotal[], changed: Partial<RollUpSettings>) {
  const usages: DayUsage[] = []
  const rolling = rollUp(totals, { ...settings, ...changed })
  for (;;) {
    const next = await rolling.next()
    if (next.done) return { usages, detail: next.value }
    usages.push(next.value)
  }
}

function callsOf(usages: DayUsage[], eventName: string): number {
  const ofEvent = usages.filter((usage) => usage.eventName === eventName)
  return ofEvent.reduce((sum, { measures }) => sum + (measures.apiCalls ?? 0), 0)
}

function totalOf(userId: string, route: string, calls = 1, properties: Properties = {}): SeriesTotal {
  const endpoint = { method: 'GET', route }
  return {
    series: { instrument: apiCalls, identity: { userId }, properties, endpoint },
    values: [calls, 0, 0, 0],
  }
}

async function rolledUp(totals: SeriesTotal[], revision = 0): Promise<DayUsage[]> {
  const usages: DayUsage[] = []
  for await (const usage of rollUp(totals, { ...settings, revision })) usages.push(usage)
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

it('makes the same lines, whatever the order of the series', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(total, { maxLength: 30 }), async (totals) => {
      const summary = (usages: DayUsage[]) =>
        new Map(usages.map(({ rollupId, measures }) => [rollupId, measures]))
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

it('has no id in common with another product, event, zone or day', async () => {
  const totals = [totalOf('ann', '/a'), totalOf('bob', '/b')]
  const seen: string[] = []
  for (const changed of [
    {},
    { namespace: 'AP-TWO-2' },
    { timeZone: 'Europe/Berlin' },
    { day: '2026-11-24' },
    { rollups: [{ eventName: 'other', by: 'identity' as const }] },
  ]) {
    const { usages } = await rolledUpWith(totals, changed)
    seen.push(...usages.map(({ rollupId }) => rollupId))
  }
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

it('rolls up what is no API call by identity, under its own name and kind, and never as calls', async () => {
  const seats: Instrument = { name: 'seatsInUse', kind: 'last', measures: ['seats', 'atMs'] }
  const exports: Instrument = { name: 'exports', kind: 'sum', measures: ['files'] }
  const identity = { userId: 'ann', accountId: 'acme' }
  const { usages } = await rolledUpWith(
    [
      { series: { instrument: seats, identity, properties: {} }, values: [5, 200] },
      // Out of a file every series has an instrument of its own.
      { series: { instrument: { ...seats }, identity: { ...identity }, properties: {} }, values: [9, 100] },
      { series: { instrument: exports, identity, properties: {} }, values: [2] },
      { series: { instrument: { ...exports }, identity, properties: {} }, values: [3] },
      totalOf('ann', '/a', 7),
    ],
    {},
  )
  const byEvent = usages.map(({ eventName, measures, calls, rank }) => [eventName, measures, calls, rank])
  const ofCalls = { apiCalls: 7, clientErrors: 0, serverErrors: 0, aborted: 0 }
  expect(byEvent).toEqual([
    ['dailyApiCalls', ofCalls, 7, 'total'],
    ['seatsInUse', { seats: 5 }, 0, 'total'],
    ['exports', { files: 5 }, 0, 'total'],
    ['dailyEndpointCalls', ofCalls, 0, 'detail'],
  ])
})

describe('with room for few lines', () => {
  // Three users with four endpoints each: 3 totals and 12 details.
  const totals = ['ann', 'bob', 'cy'].flatMap((userId) =>
    ['/a', '/b', '/c', '/d'].map((route, at) => totalOf(userId, route, at + 1)),
  )

  it.each([
    [15, 'whole', 15],
    [14, 'folded', 6],
    [6, 'folded', 6],
    [5, 'left out', 3],
    [1, 'left out', 3],
  ] as const)('%i: the endpoints are %s, the totals all there', async (maxLines, becomes, lines) => {
    const { usages, detail } = await rolledUpWith(totals, { maxLines })
    expect(detail).toBe(becomes)
    expect(usages).toHaveLength(lines)
    expect(callsOf(usages, 'dailyApiCalls')).toBe(30)
    expect(callsOf(usages, 'dailyEndpointCalls')).toBe(becomes === 'left out' ? 0 : 30)
    expect(usages.reduce((sum, { calls }) => sum + calls, 0)).toBe(30)
    if (becomes !== 'folded') return
    const details = usages.filter(({ rank }) => rank === 'detail')
    expect(details.map(({ endpoint }) => endpoint)).toEqual(
      Array.from({ length: 3 }, () => ({ method: '(overflow)', route: '(overflow)' })),
    )
    expect(new Set(usages.map(({ rollupId }) => rollupId)).size).toBe(lines)
  })

  it('never leaves out the endpoints where nothing else carries the calls', async () => {
    const rollups = [{ eventName: 'dailyEndpointCalls', by: 'endpoint' as const }]
    const { usages, detail } = await rolledUpWith(totals, { maxLines: 1, rollups })
    expect(detail).toBe('folded')
    expect(usages.reduce((sum, { calls }) => sum + calls, 0)).toBe(30)
  })

  it('is never over the limit but for the totals, and never without a call', async () => {
    const limit = fc.integer({ min: 0, max: 80 })
    await fc.assert(
      fc.asyncProperty(fc.array(total, { maxLength: 60 }), limit, async (totals, maxLines) => {
        const { usages, detail } = await rolledUpWith(totals, { maxLines })
        const ofIdentities = usages.filter(({ rank }) => rank === 'total').length
        expect(usages.length).toBeLessThanOrEqual(Math.max(maxLines, ofIdentities))
        const calls = totals.reduce((sum, { values }) => sum + (values[0] ?? 0), 0)
        expect(callsOf(usages, 'dailyApiCalls')).toBe(calls)
        expect(callsOf(usages, 'dailyEndpointCalls')).toBe(detail === 'left out' ? 0 : calls)
      }),
    )
  })
})

it('reports a sum that reached 2^53 - 1', async () => {
  let told = 0
  const onSaturation = () => {
    told += 1
  }
  await rolledUpWith([totalOf('ann', '/a', Number.MAX_SAFE_INTEGER - 1)], { onSaturation })
  expect(told).toBe(0)
  await rolledUpWith([totalOf('ann', '/a', 2 ** 52), totalOf('ann', '/b', 2 ** 52)], { onSaturation })
  expect(told).toBeGreaterThan(0)
})

it('gives the event loop its turn while it groups, and while it makes lines', async () => {
  const totals = Array.from({ length: 20_000 }, (_, at) => totalOf(`user-${at % 100}`, `/${at % 400}`))
  let turns = 0
  let isDone = false
  const counting = (async () => {
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve))
      turns += 1
    }
  })()
  const { usages } = await rolledUpWith(totals, {})
  isDone = true
  await counting
  expect(turns).toBeGreaterThan((totals.length + usages.length) / 2_000)
})
