import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore, memoryStore } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { expect, it } from 'vitest'

const call = { method: 'GET', route: '/', statusCode: 200, aborted: false }

it('record() counts a call whose properties throw when they are read, without them', async () => {
  const meter = createMeter({ store: memoryStore(), dryRun: true })
  const properties = {
    get Category(): string {
      throw new Error('lazy loading failed')
    },
  }
  meter.record({ ...call, identity: { userId: 'ann' }, properties })
  expect((await meter.preview())[0]?.attributes).toMatchObject({ apiCalls: 1, apiType: 'RESTful' })
  await meter.close()
})

it('a day that flush() and close() close at the same time is sent once', async () => {
  const px = inMemoryDelivery()
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const meter = createMeter({ store: memoryStore(), clock, delivery: px.delivery })
  for (let user = 0; user < 1_500; user++) meter.record({ ...call, identity: { userId: `user-${user}` } })
  clock.step(25 * 3_600_000)
  await Promise.all([meter.flush(), meter.close()])
  expect(px.events).toHaveLength(3_000)
  expect(new Set(px.events.map(({ attributes }) => attributes.rollupId)).size).toBe(3_000)
})

it('an identity that resolves after close() is reported as lost, not counted', async () => {
  const px = inMemoryDelivery()
  const meter = createMeter({ store: memoryStore(), delivery: px.delivery })
  let answer: (identity: { userId: string }) => void = () => {}
  meter.record({
    ...call,
    identity: new Promise((resolve) => {
      answer = resolve
    }),
  })
  expect((await meter.close({ timeoutMs: 20 })).lost).toEqual({ calls: 1, lines: 0 })
  answer({ userId: 'ann' })
  await new Promise((resolve) => setImmediate(resolve))
  expect(meter.stats().calls).toMatchObject({ counted: 0, inMemory: 0, afterClose: 1 })
})

it('close() does not wait for a PX that never replies, and leaves its lines unconfirmed', async () => {
  const silent = createServer((socket) => void socket.on('error', () => {}))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const meter = createMeter({
    store: memoryStore(),
    apiKey: 'key',
    productKey: 'AP-1',
    baseUrl,
    requestTimeoutMs: 3_600_000,
  })
  meter.record({ ...call, identity: { userId: 'ann' } })
  const { sent, lost } = await meter.close({ timeoutMs: 200 })
  expect([sent, lost]).toEqual([{ lines: 0 }, { calls: 0, lines: 2 }])
  expect(meter.stats().lines).toMatchObject({ closed: 2, unconfirmed: 2 })
  silent.close()
})

it('close() with a store that keeps its lines waits for no PX at all, however much time it has', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'px-usage-meter-'))
  const clock = fakeClock(Date.now() - 48 * 3_600_000)
  let asked = () => {}
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve
  })
  const silent = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', asked)
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const px = {
    apiKey: 'key',
    productKey: 'AP-1',
    baseUrl: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
  }
  const down = async () => ({ outcome: 'retryable', reason: 'down' }) as const
  const before = createMeter({ ...px, store: fileStore({ dir }), clock, delivery: down })
  before.record({ ...call, identity: { userId: 'ann' } })
  await before.flush()
  await clock.advance(25 * 3_600_000)
  await before.close()

  const hourMs = 3_600_000
  const meter = createMeter({
    ...px,
    store: fileStore({ dir }),
    requestTimeoutMs: hourMs,
    lookUpAfterMs: hourMs,
    startJitterMs: 0,
  })
  meter.record({ ...call, identity: { userId: 'ann' } })
  void meter.flush()
  await isAsked
  expect(await meter.close({ timeoutMs: hourMs })).toEqual({
    sent: { lines: 0 },
    kept: { calls: 1, lines: 2 },
    lost: { calls: 0, lines: 0 },
  })
  silent.close()
  await rm(dir, { recursive: true })
})

it('a day with more lines than the daily budget is sent with folded endpoints and all totals', async () => {
  const px = inMemoryDelivery()
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const options = { store: memoryStore(), clock, delivery: px.delivery, maxRequestsPerDay: 100 }
  const meter = createMeter(options)
  for (let user = 0; user < 40; user++) {
    for (let route = 0; route < 5; route++) {
      meter.record({ ...call, route: `/r${route}`, identity: { userId: `user-${user}` } })
    }
  }
  await clock.advance(15 * 3_600_000)
  await meter.flush()
  const named = (eventName: string) => px.events.filter((event) => event.eventName === eventName)
  expect(named('dailyApiCalls')).toHaveLength(40)
  expect(named('dailyApiCalls').every(({ attributes }) => attributes.apiCalls === 5)).toBe(true)
  expect(named('dailyEndpointCalls').map(({ attributes }) => attributes.endpoint)).toEqual(
    new Array(40).fill('(overflow)'),
  )
  await meter.close()
})
