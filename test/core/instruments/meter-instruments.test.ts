import { fakeClock } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'
import { createUsageDays } from '../../../packages/core/src/day/usage-day.ts'
import { createMeterInstruments } from '../../../packages/core/src/instruments/meter-instruments.ts'
import type { OutboxLine } from '../../../packages/core/src/model/outbox-line.ts'
import type { Series } from '../../../packages/core/src/model/series.ts'
import { memoryStore } from '../../../packages/core/src/stores/memory-store.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'

async function setUp() {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const { diagnostics, errors } = recordingDiagnostics()
  const inner = memoryStore()
  await inner.open({ clock, diagnostics, timeZone: 'UTC' })
  const state = { isClosed: false, isFull: false, day: '2026-11-23', stores: 0, wakes: 0, persists: 0 }
  const added: Array<[day: string, instrument: string, userId: string, values: readonly number[]]> = []
  const put: OutboxLine[] = []
  const store = {
    ...inner,
    async put(lines: readonly OutboxLine[]) {
      if (state.isFull) throw new Error('disk full')
      put.push(...lines)
    },
  }
  const days = createUsageDays('UTC')
  const instruments = createMeterInstruments({
    settings: { clock, days, store, rollups: [{ eventName: 'dailyApiCalls' }], productKey: 'AP-1' },
    tables: {
      of: (day) =>
        ({
          add: ({ instrument, identity }: Series, values: readonly number[]) =>
            void added.push([day, instrument.name, identity.userId, [...values]]),
        }) as never,
    },
    dayCycle: {
      today: () => state.day,
      // The grace of the last day is never over here.
      isDue: () => false,
      async persist() {
        state.persists += 1
      },
      storeSoon() {
        state.stores += 1
      },
    },
    opened: async () => {},
    diagnostics,
    isClosed: () => state.isClosed,
    onTracked() {
      state.wakes += 1
    },
  })
  return { clock, state, added, put, instruments, errors }
}

describe('what an app records', () => {
  it('is counted into the table of the open day, and stored soon', async () => {
    const { instruments, added, state } = await setUp()
    instruments.face.counter('reports', { property: 'count' }).add({ userId: 'ann' }, 3)
    state.day = '2026-11-24'
    instruments.face.gauge('seats', { property: 'seats' }).record({ userId: 'ben' }, 7)
    expect(added.map(([day, name, userId, [value]]) => [day, name, userId, value])).toEqual([
      ['2026-11-23', 'reports', 'ann', 3],
      ['2026-11-24', 'seats', 'ben', 7],
    ])
    expect(state.stores).toBe(2)
  })

  it('is refused under the name of a rollup or of another instrument', async () => {
    const { instruments } = await setUp()
    const { counter, observableGauge } = instruments.face
    expect(() => counter('dailyApiCalls', { property: 'count' })).toThrow('dailyApiCalls')
    counter('reports', { property: 'count' })
    expect(() => observableGauge('reports', { property: 'count' }, () => {})).toThrow('reports')
  })

  it('is not counted after the meter is closed', async () => {
    const { instruments, added, state, put } = await setUp()
    const reports = instruments.face.counter('reports', { property: 'count' })
    state.isClosed = true
    reports.add({ userId: 'ann' }, 3)
    instruments.face.track('exported', { userId: 'ann' }, {})
    await instruments.put()
    expect([added, put]).toEqual([[], []])
    expect(instruments.stats().tracked.tooLate).toBe(1)
  })
})

describe('real-time events', () => {
  it('are put into the outbox, which wakes the sender', async () => {
    const { instruments, put, state } = await setUp()
    instruments.face.track('exported', { userId: 'ann' }, { format: 'pdf' })
    expect(instruments.unstoredLines()).toBe(1)
    await instruments.put()
    expect(put.map(({ body }) => JSON.parse(body))).toMatchObject([
      { eventName: 'exported', identifyId: 'ann', propertyKey: 'AP-1', attributes: { format: 'pdf' } },
    ])
    expect([instruments.unstoredLines(), state.wakes]).toEqual([0, 1])
  })

  it('may not have the name of an instrument, whose events are one per user and day', async () => {
    const { instruments, errors } = await setUp()
    instruments.face.counter('reports', { property: 'count' })
    instruments.face.track('reports', { userId: 'ann' }, {})
    expect(errors.map(({ code }) => code)).toEqual(['PXU_ERR_DELIVERY_TRACK'])
    expect(instruments.stats().tracked).toMatchObject({ tracked: 0, refused: 1 })
  })

  it('are put for the last time by stop(), and counted as not stored if that fails', async () => {
    const { instruments, put, state } = await setUp()
    instruments.face.track('exported', { userId: 'ann' }, {})
    state.isFull = true
    state.isClosed = true
    await expect(instruments.stop()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
    expect(instruments.unstoredLines()).toBe(1)
    state.isFull = false
    await instruments.stop()
    expect([put.length, instruments.unstoredLines()]).toEqual([1, 0])
  })
})

it('observable gauges are read once for a day that has ended, and stored before it closes', async () => {
  const { instruments, added, state } = await setUp()
  instruments.face.observableGauge('seats', { property: 'seats' }, (observe) => {
    observe({ userId: 'ann' }, 12)
  })
  await instruments.collect()
  state.day = '2026-11-24'
  await instruments.collect()
  await instruments.collect()
  expect(added.map(([day, name, userId, [value]]) => [day, name, userId, value])).toEqual([
    ['2026-11-22', 'seats', 'ann', 12],
    ['2026-11-23', 'seats', 'ann', 12],
  ])
  expect(state.persists).toBe(2)
  expect(instruments.stats().readings).toMatchObject({ collected: 2, failed: 0 })
})

it('stats() has the numbers of readings and of real-time events', async () => {
  const { instruments } = await setUp()
  const reports = instruments.face.counter('reports', { property: 'count' })
  reports.add({ userId: 'ann' }, 3)
  reports.add({ userId: 'ann' }, Number.NaN)
  instruments.face.track('exported', { userId: 'ann' }, {})
  const { readings, tracked } = instruments.stats()
  expect(readings).toMatchObject({ taken: 1, refused: { value: 1, identity: 0 }, collected: 0 })
  expect(tracked).toMatchObject({ tracked: 1, held: 1 })
})
