import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore, memoryStore, type Store, type UsageError } from '@px-usage/core'
import { type FakeClock, fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000 })

const hourMs = 3_600_000
let dir: string
const warnings: string[] = []
const onWarning = (warning: Error & { code?: string }) => void warnings.push(warning.code ?? '')

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-gauges-'))
  warnings.length = 0
  process.on('warning', onWarning)
})

afterEach(async () => {
  process.off('warning', onWarning)
  await rm(dir, { recursive: true })
})

function start(clock: FakeClock, store: Store = memoryStore()) {
  const px = inMemoryDelivery()
  const errors: UsageError[] = []
  const onError = (error: UsageError) => void errors.push(error)
  return { px, errors, meter: createMeter({ store, clock, delivery: px.delivery, onError }) }
}

/** Moves time, but not past what the disk has to do first. */
async function advance({ meter }: Started, clock: FakeClock, ...steps: number[]): Promise<void> {
  await meter.flush()
  for (const ms of steps) {
    await clock.advance(ms)
    await meter.flush()
  }
}

type Started = ReturnType<typeof start>
const valuesOf = ({ px }: Started, property: string) =>
  px.events.map(({ identifyId, attributes }) => [identifyId, attributes.day, attributes[property]])

it('is read once per usage day, between its end and its close, and counts for that day', async () => {
  const clock = fakeClock('2026-11-23T23:30:00Z')
  const started = start(clock)
  const askedAt: string[] = []
  started.meter.observableGauge('dailyStorage', { property: 'gigabytes' }, async (observe) => {
    askedAt.push(new Date(clock.now()).toISOString().slice(0, 16))
    observe({ userId: 'ann', accountId: 'acme' }, 5, { kind: 'ssd' })
    observe({ userId: 'bob', accountId: 'acme' }, 7)
    observe({ userId: 'bob', accountId: 'acme' }, 8)
  })
  await clock.advance(40 * 60_000)
  expect(started.px.events).toEqual([])
  await clock.advance(2 * hourMs)
  await started.meter.flush()
  expect(askedAt).toEqual(['2026-11-24T00:00'])
  expect(valuesOf(started, 'gigabytes').sort()).toEqual([
    ['ann', '2026-11-23', 5],
    ['bob', '2026-11-23', 8],
  ])
  expect(started.meter.stats().readings).toMatchObject({
    collected: 1,
    failed: 0,
    missed: { days: 0, lastByEvent: {} },
  })
  await started.meter.close()
})

it('one that throws, rejects, hangs or observes junk is reported, and stops no other', async () => {
  const clock = fakeClock('2026-11-23T23:50:00Z')
  const started = start(clock)
  const { meter, errors } = started
  let observeLater = () => {}
  meter.observableGauge('throwing', { property: 'a' }, (observe) => {
    observe({ userId: 'ann' }, 1)
    throw new Error('no database')
  })
  meter.observableGauge('rejecting', { property: 'b' }, () => Promise.reject(new Error('no rights')))
  meter.observableGauge('hanging', { property: 'c', timeoutMs: 5_000 }, (observe) => {
    observeLater = () => observe({ userId: 'ann' }, 99)
    return new Promise(() => {})
  })
  meter.observableGauge('junk', { property: 'd' }, (observe) => {
    observe({ userId: 'ann' }, 'many' as never)
    observe(null as never, 1)
  })
  meter.observableGauge('working', { property: 'e' }, (observe) => observe({ userId: 'ann' }, 2))
  await clock.advance(20 * 60_000)
  observeLater()
  await clock.advance(hourMs)
  await meter.flush()
  expect(started.px.events.map(({ eventName }) => eventName).sort()).toEqual(['throwing', 'working'])
  expect(errors.map(({ code }) => code).sort()).toEqual([
    'PXU_ERR_COUNTING_IDENTITY',
    'PXU_ERR_COUNTING_VALUE',
    'PXU_ERR_DAY_COLLECT_FAILED',
    'PXU_ERR_DAY_COLLECT_FAILED',
    'PXU_ERR_DAY_COLLECT_FAILED',
  ])
  expect(meter.stats().readings).toMatchObject({
    collected: 5,
    failed: 3,
    tooLate: 1,
    refused: { value: 1, identity: 1 },
  })
  await meter.close()
})

it('is not asked again by a process that starts after another one asked', async () => {
  const clock = fakeClock('2026-11-23T23:00:00Z')
  const first = start(clock, fileStore({ dir }))
  first.meter.observableGauge('storage', { property: 'gb' }, (observe) => observe({ userId: 'ann' }, 5))
  await advance(first, clock, hourMs + 5 * 60_000)
  await first.meter.close()
  expect(first.px.events).toEqual([])

  const second = start(clock, fileStore({ dir }))
  const asked = vi.fn()
  second.meter.observableGauge('storage', { property: 'gb' }, asked)
  await advance(second, clock, hourMs)
  expect(asked).not.toHaveBeenCalled()
  expect(valuesOf(second, 'gb')).toEqual([['ann', '2026-11-23', 5]])
  await second.meter.close()
})

it('a process that starts within the grace asks for the day that ended before', async () => {
  const clock = fakeClock('2026-11-24T00:10:00Z')
  const started = start(clock)
  started.meter.observableGauge('storage', { property: 'gb' }, (observe) => observe({ userId: 'ann' }, 5))
  await clock.advance(hourMs)
  await started.meter.flush()
  expect(valuesOf(started, 'gb')).toEqual([['ann', '2026-11-23', 5]])
  await started.meter.close()
})

it('days in whose grace no process ran are reported as missed and get no values', async () => {
  const clock = fakeClock('2026-11-20T23:00:00Z')
  const observe = vi.fn((read) => read({ userId: 'ann' }, 5))
  const first = start(clock, fileStore({ dir }))
  first.meter.observableGauge('storage', { property: 'gb' }, observe)
  await advance(first, clock, hourMs + 5 * 60_000, hourMs)
  await first.meter.close()

  await clock.advance(72 * hourMs)
  const second = start(clock, fileStore({ dir }))
  second.meter.observableGauge('storage', { property: 'gb' }, observe)
  await advance(second, clock, hourMs)
  expect(second.meter.stats().readings).toMatchObject({
    collected: 0,
    missed: { days: 3, lastByEvent: { storage: '2026-11-23' } },
  })
  expect(warnings).toEqual(['PXU_WRN_DAY_COLLECT_MISSED'])
  await second.meter.close()

  await clock.advance(22 * hourMs)
  const third = start(clock, fileStore({ dir }))
  third.meter.observableGauge('storage', { property: 'gb' }, observe)
  await advance(third, clock, 5 * 60_000, hourMs)
  expect([first, second, third].map((started) => valuesOf(started, 'gb'))).toEqual([
    [['ann', '2026-11-20', 5]],
    [],
    [['ann', '2026-11-24', 5]],
  ])
  expect(third.meter.stats().readings.missed.days).toBe(0)
  await third.meter.close()
})

it('a gauge is read again after a store failed to note it, and the newest reading wins', async () => {
  const clock = fakeClock('2026-11-23T23:00:00Z')
  const store = memoryStore()
  let failures = 1
  const failing: Store = {
    ...store,
    writeNote(name, value) {
      if (value.includes('2026-11-23') && failures-- > 0) return Promise.reject(new Error('disk full'))
      return store.writeNote(name, value)
    },
  }
  const started = start(clock, failing)
  let gb = 0
  started.meter.observableGauge('storage', { property: 'gb' }, (observe) => observe({ userId: 'ann' }, ++gb))
  await clock.advance(2 * hourMs)
  await started.meter.flush()
  expect(valuesOf(started, 'gb')).toEqual([['ann', '2026-11-23', 2]])
  await started.meter.close()
})

it('a process that does not declare an instrument any more still closes its day', async () => {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const first = start(clock, fileStore({ dir }))
  first.meter.counter('rows', { property: 'rows' }).add({ userId: 'ann' }, 3)
  first.meter.gauge('seats', { property: 'seats' }).record({ userId: 'ann' }, 8)
  await first.meter.close()
  const second = start(clock, fileStore({ dir }))
  await clock.advance(24 * hourMs)
  await second.meter.flush()
  expect(second.px.events.map(({ attributes }) => attributes.rows ?? attributes.seats).sort()).toEqual([3, 8])
  await second.meter.close()
})

it('the newest reading wins over two batches and a restart, by the time of the reading', async () => {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  for (const value of [10, 30, 20]) {
    const { meter } = start(clock, fileStore({ dir }))
    const gauge = meter.gauge('seats', { property: 'seats' })
    gauge.record({ userId: 'ann' }, value - 1)
    await meter.flush()
    gauge.record({ userId: 'ann' }, value)
    await clock.advance(1_000)
    await meter.close()
  }
  const last = start(clock, fileStore({ dir }))
  await clock.advance(24 * hourMs)
  await last.meter.flush()
  expect(valuesOf(last, 'seats')).toEqual([['ann', '2026-11-23', 20]])
  await last.meter.close()
})

it('removed, it is not asked any more', async () => {
  const clock = fakeClock('2026-11-23T23:00:00Z')
  const { meter } = start(clock)
  const asked = vi.fn()
  meter.observableGauge('storage', { property: 'gb' }, asked).remove()
  await clock.advance(2 * hourMs)
  expect(asked).not.toHaveBeenCalled()
  await meter.close()
})
