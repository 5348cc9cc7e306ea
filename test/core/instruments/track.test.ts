import { createMeter, memoryStore, type Store, type UsageError } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { expect, it } from 'vitest'

const ann = { userId: 'ann', accountId: 'acme' }

function setUp(store: Store = memoryStore()) {
  const px = inMemoryDelivery()
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const errors: UsageError[] = []
  const onError = (error: UsageError) => void errors.push(error)
  const meter = createMeter({ store, clock, delivery: px.delivery, onError, startJitterMs: 300_000 })
  return { px, clock, meter, errors }
}

function failingStore(): Store & { isFailing: boolean; puts: number } {
  const store = memoryStore()
  const failing = {
    ...store,
    isFailing: true,
    puts: 0,
    put(lines: Parameters<Store['put']>[0]) {
      failing.puts += 1
      return failing.isFailing ? Promise.reject(new Error('disk full')) : store.put(lines)
    },
  }
  return failing
}

it('is sent at once, with the time and the properties it was given', async () => {
  const { px, clock, meter } = setUp()
  meter.track('reportExported', ann, { format: 'pdf', pages: 3 })
  await clock.advance(0)
  await clock.advance(0)
  expect(px.events).toEqual([
    {
      eventName: 'reportExported',
      identifyId: 'ann',
      accountId: 'acme',
      propertyKey: '',
      userType: 'USER',
      date: Date.parse('2026-11-23T10:00:00Z'),
      attributes: {
        timestamp: Date.parse('2026-11-23T10:00:00Z'),
        format: 'pdf',
        pages: 3,
        rollupId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    },
  ])
  expect(meter.stats().tracked).toEqual({
    tracked: 1,
    held: 0,
    put: 1,
    dropped: 0,
    refused: 0,
    tooLate: 0,
  })
  expect(meter.stats().lines).toMatchObject({ closed: 1, delivered: 1 })
  await meter.close()
})

it('all events of one turn of the event loop go to the store together', async () => {
  const store = failingStore()
  store.isFailing = false
  const { px, clock, meter } = setUp(store)
  await clock.advance(0)
  for (let i = 0; i < 100; i++) meter.track('clicked', ann)
  await clock.advance(0)
  await meter.flush()
  expect(store.puts).toBe(1)
  expect(px.events).toHaveLength(100)
  expect(new Set(px.events.map(({ attributes }) => attributes.rollupId)).size).toBe(100)
  await meter.close()
})

it('is held while the store fails, and put once when it works again', async () => {
  const store = failingStore()
  const { px, clock, meter, errors } = setUp(store)
  meter.track('clicked', ann)
  await clock.advance(3_000)
  expect(meter.stats().tracked).toMatchObject({ tracked: 1, held: 1, put: 0 })
  expect(errors[0]?.code).toBe('PXU_ERR_STORE_UNAVAILABLE')
  store.isFailing = false
  await clock.advance(2_000)
  expect(px.events).toHaveLength(1)
  expect(meter.stats().tracked).toMatchObject({ tracked: 1, held: 0, put: 1 })
  await meter.close()
})

it('events that the store never accepts are bounded, reported once, and lost at close()', async () => {
  const { clock, meter, errors } = setUp(failingStore())
  for (let i = 0; i < 10_003; i++) meter.track('clicked', ann)
  await clock.advance(0)
  expect(meter.stats().tracked).toMatchObject({ tracked: 10_003, held: 10_000, put: 0, dropped: 3 })
  expect(errors.filter(({ code }) => code === 'PXU_ERR_DELIVERY_TRACK_DROPPED')).toHaveLength(1)
  expect((await meter.close()).lost).toEqual({ calls: 0, lines: 10_003 })
})

it('close() puts and sends what was tracked just before', async () => {
  const { px, meter } = setUp()
  meter.track('clicked', ann)
  expect(await meter.close()).toMatchObject({ sent: { lines: 1 }, lost: { calls: 0, lines: 0 } })
  expect(px.events).toHaveLength(1)
  meter.track('clicked', ann)
  expect(meter.stats().tracked).toMatchObject({ tracked: 1, tooLate: 1 })
})

it('never throws, but reports and counts invalid names and identities', async () => {
  const { px, meter, errors } = setUp()
  meter.counter('rows', { property: 'rows' })
  const trap = {
    get userId(): string {
      throw new Error('lazy loading failed')
    },
  }
  for (const [name, identity] of [
    ['', ann],
    [undefined, ann],
    ['x'.repeat(1_025), ann],
    ['dailyApiCalls', ann],
    ['rows', ann],
    ['clicked', null],
    ['clicked', trap],
  ]) {
    meter.track(name as string, identity as typeof ann)
  }
  expect(meter.stats().tracked).toMatchObject({ tracked: 0, refused: 7 })
  expect(errors.map(({ code }) => code)).toEqual(['PXU_ERR_DELIVERY_TRACK'])
  await meter.close()
  expect(px.events).toEqual([])
})

it('a PX that is down is not hurried by every new event', async () => {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  let attempts = 0
  const meter = createMeter({
    store: memoryStore(),
    clock,
    async delivery() {
      attempts += 1
      return { outcome: 'retryable', reason: 'PX is down.' }
    },
  })
  for (let i = 0; i < 50; i++) {
    meter.track('clicked', ann)
    await clock.advance(1)
  }
  expect(attempts).toBe(1)
  expect(meter.stats().lines).toMatchObject({ closed: 50, pending: 50 })
  await meter.close({ timeoutMs: 10 })
})
