import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mock } from 'node:test'
import { createMeter, fileStore, memoryStore } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { pxUsage } from '@px-usage/http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { eventLoopTurn } from '../../packages/core/src/clock.ts'
import { send, startServer } from '../support/http-client.ts'

const call = { identity: { userId: 'ann' }, method: 'GET', route: '/', statusCode: 200, aborted: false }
/** Vitest itself does not allow `nextTick`. */
const everything = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'Date',
  'performance',
  'hrtime',
  'queueMicrotask',
] as const

afterEach(() => {
  vi.useRealTimers()
  mock.timers.reset()
})

const kits: Array<[string, () => void]> = [
  ['vi.useFakeTimers()', () => void vi.useFakeTimers()],
  ['vi.useFakeTimers() of everything', () => void vi.useFakeTimers({ toFake: [...everything] })],
  [
    'mock.timers of node:test',
    () => mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] }),
  ],
]

it('a request is counted under fake timers of everything', async () => {
  const usage = pxUsage({ dryRun: true, store: memoryStore(), identify: () => ({ userId: 'ann' }) })
  const server = await startServer((req, res) => {
    usage(req, res)
    res.end('ok')
  })
  vi.useFakeTimers({ toFake: [...everything] })
  expect((await send(server.url)).status).toBe(200)
  for (let turn = 0; turn < 100 && usage.meter.stats().calls.counted === 0; turn++) await eventLoopTurn()
  expect(usage.meter.stats().calls.counted).toBe(1)
  await usage.meter.close()
  vi.useRealTimers()
  await server.close()
})

describe.each(kits)('under %s', (_what, start) => {
  it('close() ends, and sends what a store that keeps nothing has', async () => {
    const px = inMemoryDelivery()
    const meter = createMeter({ store: memoryStore(), delivery: px.delivery })
    start()
    meter.record(call)
    meter.record({ ...call, identity: Promise.resolve({ userId: 'bob' }) as never })
    meter.track('Report Made', { userId: 'ann' })
    const report = await meter.close()
    expect(report).toEqual({
      sent: { lines: 5 },
      kept: { calls: 0, lines: 0 },
      lost: { calls: 0, lines: 0 },
    })
    expect(px.events).toHaveLength(5)
  })

  it('flush() and close() of a file store end, and it keeps the counts', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'px-usage-timers-'))
    const { delivery } = inMemoryDelivery()
    const meter = createMeter({ store: fileStore({ dir }), delivery })
    start()
    meter.record(call)
    await meter.flush()
    meter.record(call)
    expect(await meter.close()).toMatchObject({ kept: { calls: 2 }, lost: { calls: 0, lines: 0 } })
    vi.useRealTimers()
    mock.timers.reset()
    await rm(dir, { recursive: true })
  })

  it('a clock of the test kit moves the meter all the same', async () => {
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const px = inMemoryDelivery()
    const meter = createMeter({ store: memoryStore(), delivery: px.delivery, clock })
    start()
    meter.record(call)
    await clock.advance(25 * 3_600_000)
    await meter.flush()
    expect(px.events.map(({ attributes }) => attributes.day)).toEqual(['2026-11-23', '2026-11-23'])
    await meter.close()
  })
})
