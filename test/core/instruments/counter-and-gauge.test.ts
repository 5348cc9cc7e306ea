import { createMeter, memoryStore, type UsageError } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { rollUp } from '../../../packages/core/src/day/rollup.ts'

vi.setConfig({ testTimeout: 60_000 })

const dayMs = 24 * 3_600_000
const ann = { userId: 'ann', accountId: 'acme' }
const bob = { userId: 'bob', accountId: 'acme' }

function setUp() {
  const px = inMemoryDelivery()
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const errors: UsageError[] = []
  const meter = createMeter({
    store: memoryStore(),
    clock,
    delivery: px.delivery,
    onError: (error) => errors.push(error),
  })
  return { px, clock, meter, errors }
}

it('a counter becomes one event per identity, properties and closed day', async () => {
  const { px, clock, meter } = setUp()
  const exported = meter.counter('dailyExports', { property: 'rows' })
  exported.add(ann)
  exported.add(ann, 4)
  exported.add(ann, 2.5, { format: 'csv' })
  exported.add(bob, 0)
  await clock.advance(dayMs)
  await meter.flush()
  const found = px.events.map(({ eventName, identifyId, accountId, attributes }) => ({
    eventName,
    identifyId,
    accountId,
    ...attributes,
  }))
  const common = {
    eventName: 'dailyExports',
    accountId: 'acme',
    timestamp: Date.parse('2026-11-23T12:00:00Z'),
    day: '2026-11-23',
    timeZone: 'UTC',
    rollupId: expect.any(String),
  }
  expect(found).toHaveLength(3)
  expect(found).toEqual(
    expect.arrayContaining([
      { ...common, identifyId: 'ann', rows: 5 },
      { ...common, identifyId: 'ann', rows: 2.5, format: 'csv' },
      { ...common, identifyId: 'bob', rows: 0 },
    ]),
  )
  expect(new Set(px.events.map(({ attributes }) => attributes.rollupId)).size).toBe(3)
  await meter.close()
})

it('a gauge keeps the last value of each day, also a lower or negative one', async () => {
  const { px, clock, meter } = setUp()
  const seats = meter.gauge('dailySeats', { property: 'seats' })
  seats.record(ann, 7)
  seats.record(ann, 9)
  await clock.advance(1_500)
  seats.record(ann, -3.25)
  await clock.advance(dayMs)
  seats.record(ann, 4)
  await clock.advance(dayMs)
  await meter.flush()
  expect(px.events.map(({ attributes }) => [attributes.day, attributes.seats])).toEqual([
    ['2026-11-23', -3.25],
    ['2026-11-24', 4],
  ])
  expect(px.events[0]?.attributes).not.toHaveProperty('readAtMs')
  await meter.close()
})

it('an event has the sum of any counter values and the last of any gauge values', async () => {
  const users = ['ann', 'bob', '(a)', '__proto__', '"']
  const reading = fc.record({
    user: fc.constantFrom(...users),
    value: fc.integer({ min: 0, max: 1_000 }),
    plan: fc.constantFrom(undefined, 'a', 'b'),
    pauseMs: fc.constantFrom(0, 0, 700, 1_500),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(reading, { maxLength: 30 }), async (readings) => {
      const { px, clock, meter } = setUp()
      const counter = meter.counter('sums', { property: 'sum' })
      const gauge = meter.gauge('lasts', { property: 'last' })
      const sums = new Map<string, number>()
      const lasts = new Map<string, number>()
      for (const { user, value, plan, pauseMs } of readings) {
        const properties = plan === undefined ? undefined : { plan }
        const key = JSON.stringify([user, plan])
        counter.add({ userId: user }, value, properties)
        gauge.record({ userId: user }, value, properties)
        sums.set(key, (sums.get(key) ?? 0) + value)
        lasts.set(key, value)
        await clock.advance(pauseMs)
      }
      await meter.close()
      const found = (name: string, property: string) =>
        new Map(
          px.events
            .filter(({ eventName }) => eventName === name)
            .map(({ identifyId, attributes }) => [
              JSON.stringify([identifyId, attributes.plan]),
              attributes[property],
            ]),
        )
      expect(found('sums', 'sum')).toEqual(sums)
      expect(found('lasts', 'last')).toEqual(lasts)
      expect(px.events).toHaveLength(sums.size + lasts.size)
    }),
    { numRuns: 60 },
  )
})

it('invalid values and identities are reported once per code and counted in stats()', async () => {
  const { px, meter, errors } = setUp()
  const counter = meter.counter('rows', { property: 'rows' })
  const gauge = meter.gauge('seats', { property: 'seats' })
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -1, '5', null, Symbol('x'), {}]) {
    counter.add(ann, value as number)
  }
  gauge.record(ann, Number.NaN)
  gauge.record(ann, Number.NEGATIVE_INFINITY)
  gauge.record(ann, -1)
  for (const identity of [undefined, null, {}, { userId: '' }, { userId: Number.NaN }]) {
    counter.add(identity as never, 1)
  }
  const trap = {
    get userId(): string {
      throw new Error('lazy loading failed')
    },
  }
  counter.add(trap)
  expect(meter.stats().readings).toMatchObject({ taken: 1, refused: { value: 9, identity: 6 } })
  expect(errors.map(({ code }) => code)).toEqual(['PXU_ERR_COUNTING_VALUE', 'PXU_ERR_COUNTING_IDENTITY'])
  expect(errors[0]?.message).toContain('"rows" got the value NaN')
  await meter.close()
  expect(px.events).toHaveLength(1)
  counter.add(ann, 1)
  expect(meter.stats().readings).toMatchObject({ taken: 1, tooLate: 1 })
})

it('refuses names that are empty, used twice or of a rollup, and reserved properties', async () => {
  const { meter } = setUp()
  meter.counter('rows', { property: 'rows' })
  const observe = () => {}
  for (const refused of [
    () => meter.gauge('rows', { property: 'x' }),
    () => meter.counter('dailyApiCalls', { property: 'x' }),
    () => meter.counter('', { property: 'x' }),
    () => meter.counter(undefined as never, { property: 'x' }),
    () => meter.counter('x'.repeat(1_025), { property: 'x' }),
    () => meter.counter('a', { property: 'rollupId' }),
    () => meter.counter('a', { property: 'TimeZone' }),
    () => meter.counter('a', { property: '' }),
    () => meter.counter('a', undefined as never),
    () => meter.observableGauge('rows', { property: 'x' }, observe),
    () => meter.observableGauge('a', { property: 'x' }, undefined as never),
    () => meter.observableGauge('a', { property: 'x', timeoutMs: 0 }, observe),
  ]) {
    expect(refused).toThrow(expect.objectContaining({ code: 'PXU_ERR_COUNTING_INSTRUMENT' }))
  }
  meter.observableGauge('a', { property: 'x' }, observe).remove()
  meter.gauge('a', { property: 'x' })
  await meter.close()
})

it('the newest of two readings of a gauge wins, in whatever order the store has them', async () => {
  const instrument = { name: 'seats', kind: 'last', measures: ['seats', 'readAtMs'] } as const
  const series = { instrument, identity: { userId: 'ann' }, properties: {} }
  const readings = [
    { series, values: [5, 1_000] },
    { series, values: [3, 3_000] },
    { series, values: [9, 2_000] },
  ]
  const settings = { rollups: [], day: '2026-11-23', timeZone: 'UTC', revision: 0, namespace: '' }
  for (const totals of [readings, readings.toReversed()]) {
    const usages: unknown[] = []
    for await (const usage of rollUp(totals, settings)) usages.push(usage.measures)
    expect(usages).toEqual([{ seats: 3 }])
  }
})

it('a property of the name of the number does not take its place', async () => {
  const { px, meter } = setUp()
  meter.counter('rows', { property: 'rows' }).add(ann, 3, { Rows: 99, format: 'csv' })
  await meter.close()
  expect(px.events[0]?.attributes).toMatchObject({ rows: 3, format: 'csv' })
  expect(px.events[0]?.attributes).not.toHaveProperty('Rows')
})

it('instruments leave the rollups of the API calls and the accounting of calls alone', async () => {
  const { px, clock, meter } = setUp()
  meter.counter('rows', { property: 'rows' }).add(ann, 1_000)
  meter.record({ identity: ann, method: 'GET', route: '/', statusCode: 200, aborted: false })
  expect(meter.stats().calls).toMatchObject({ counted: 1, inMemory: 1, stored: 0 })
  expect((await meter.preview()).map(({ eventName }) => eventName).sort()).toEqual([
    'dailyApiCalls',
    'dailyEndpointCalls',
    'rows',
  ])
  await clock.advance(dayMs)
  await meter.flush()
  expect(px.events.find(({ eventName }) => eventName === 'dailyApiCalls')?.attributes.apiCalls).toBe(1)
  expect(px.events).toHaveLength(3)
  await meter.close()
})
