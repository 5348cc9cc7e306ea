import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, type Meter, type MeterOptions, type Store } from '@px-usage/core'
import { type FakeClock, fakeClock } from '@px-usage/core/testing'
import { redisStore } from '@px-usage/redis'
import { type Emulator, startEmulator } from 'px-emulator'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileStoreOn } from '../../packages/core/src/stores/file-store.ts'
import { quickDisk } from '../support/quick-disk.ts'
import { connectClient } from '../support/redis-clients.ts'
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server.ts'

const minuteMs = 60_000
const cleanUps: (() => Promise<unknown>)[] = []
const later = (cleanUp: () => Promise<unknown>) => void cleanUps.push(cleanUp)
let redis: RedisServer | undefined

/** Returns a function that creates stores which share their data. */
const kinds: [name: string, share: () => Promise<() => Store>][] = [
  [
    'a folder',
    async () => {
      const dir = await mkdtemp(join(tmpdir(), 'px-usage-meters-'))
      later(() => rm(dir, { recursive: true }))
      return () => fileStoreOn(quickDisk, { dir })
    },
  ],
  [
    'a Redis',
    async () => {
      redis ??= await startRedis()
      const client = await connectClient('ioredis', { port: redis.port })
      later(client.close)
      const keyPrefix = `test:${randomUUID()}`
      return () => redisStore({ sendCommand: (args, key) => client.sendCommand(args, key), keyPrefix })
    },
  ],
]

describe.each(kinds.slice(0, hasRedis() ? 2 : 1))('three meters that share %s', (_name, share) => {
  let clock: FakeClock
  let px: Emulator
  let store: () => Store
  let meters: Meter[]
  beforeEach(async () => {
    clock = fakeClock('2026-11-23T23:55:00Z')
    px = await startEmulator({ port: 0 })
    store = await share()
    meters = []
  })
  afterEach(async () => {
    for (const meter of meters) await meter.close({ timeoutMs: 1_000 })
    await px.close()
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  })

  function start(options: MeterOptions = {}): Meter {
    const meter = createMeter({
      ...{ apiKey: px.apiKey, productKey: px.productKey, baseUrl: px.url, clock, store: store() },
      ...{ startJitterMs: 0, graceMs: minuteMs, rollups: [{ eventName: 'dailyApiCalls', by: 'identity' }] },
      ...options,
    })
    meters.push(meter)
    return meter
  }

  async function startThree(options: MeterOptions = {}): Promise<[Meter, Meter, Meter]> {
    const three: [Meter, Meter, Meter] = [start(options), start(options), start(options)]
    for (const meter of three) await meter.flush()
    return three
  }

  async function end(meter: Meter): Promise<void> {
    meters = meters.filter((one) => one !== meter)
    await meter.close()
  }

  /** Lets time pass, and all meters store, close and send what is due. */
  async function pass(minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute++) {
      await clock.advance(minuteMs)
      // Twice, because a day closes only after all of them have sealed it.
      for (let round = 0; round < 2; round++) for (const meter of meters) await meter.flush()
    }
  }

  function call(meter: Meter, userId: string, times: number): void {
    for (let n = 0; n < times; n++) {
      const identity = { userId, accountId: 'acme' }
      meter.record({ identity, method: 'GET', route: '/', statusCode: 200, aborted: false })
    }
  }

  const callsInPx = () =>
    px
      .events()
      .map(({ identifyId, attributes }) => [attributes.day, identifyId, attributes.apiCalls].join(' '))
      .sort()
  const puts = () =>
    px.requests
      .filter(({ method }) => method === 'PUT')
      .map(({ url, body }) => {
        const { customAttributes } = JSON.parse(body)
        return `${url.split('?')[0]?.slice('/v1/'.length)} ${JSON.stringify(customAttributes)}`
      })

  it('send one zero for each user of an earlier day, whichever of them sends', async () => {
    const options: MeterOptions = { zeroFill: { days: 2 } }
    const [a, b, c] = await startThree(options)
    call(a, 'ann', 2)
    call(b, 'ann', 1)
    call(c, 'bob', 4)
    await pass(10)
    for (const evening of ['2026-11-24', '2026-11-25']) {
      for (const meter of [...meters]) await end(meter)
      await clock.advance(Date.parse(`${evening}T23:55:00Z`) - clock.now())
      const [, second] = await startThree(options)
      if (evening === '2026-11-24') call(second, 'bob', 1)
      await pass(5)
      await end(meters[0] as Meter)
      await pass(10)
    }
    expect(callsInPx()).toEqual([
      ...['2026-11-23 ann 3', '2026-11-23 bob 4', '2026-11-24 ann 0', '2026-11-24 bob 1'],
      ...['2026-11-25 ann 0', '2026-11-25 bob 0'],
    ])
  })

  it('set each attribute once a day, to the sum of all of them', async () => {
    const names = { apiCalls: 'callsOfDay' }
    for (const kind of ['user', 'account'] as const) {
      px.declareAttributes(kind, [{ apiName: 'callsOfDay', type: 'NUMBER' }])
    }
    const [a, b, c] = await startThree({ attributes: { user: names, account: names, createMissing: true } })
    call(a, 'ann', 2)
    call(b, 'ann', 1)
    call(c, 'bob', 4)
    await pass(10)
    await end(a)
    await pass(10)
    expect(puts().sort()).toEqual([
      ...['accounts/acme {"callsOfDay":7}', 'users/ann {"callsOfDay":3}', 'users/bob {"callsOfDay":4}'],
    ])
  })

  it('set running attributes to the sum of all of them, and no value twice', async () => {
    px.declareAttributes('user', [{ apiName: 'callsToday', type: 'NUMBER' }])
    const running = { everyMs: minuteMs, user: { apiCalls: 'callsToday' } }
    const [a, b, c] = await startThree({ attributes: { running, createMissing: true } })
    await pass(8)
    const before = puts().length
    call(a, 'ann', 2)
    call(b, 'ann', 1)
    await pass(3)
    expect(puts().slice(before).at(-1)).toBe('users/ann {"callsToday":3}')
    const first = puts().length
    await end(a)
    await pass(3)
    expect(puts()).toHaveLength(first)
    call(c, 'ann', 4)
    await pass(3)
    expect(puts().slice(first)).toEqual(['users/ann {"callsToday":7}'])
  })

  it('send each real-time event once', async () => {
    for (const [at, meter] of (await startThree()).entries()) {
      for (let n = 0; n < 3; n++) meter.track('exported', { userId: 'ann' }, { from: at, n })
    }
    await pass(2)
    const sent = px.events().map(({ attributes }) => `${attributes.from} ${attributes.n}`)
    expect(sent.sort()).toEqual(['0 0', '0 1', '0 2', '1 0', '1 1', '1 2', '2 0', '2 1', '2 2'])
  })

  it('keep to one budget of requests a day, whichever of them sends', async () => {
    const [a, b, c] = await startThree({ maxRequestsPerDay: 10, lookUp: false })
    for (const [at, meter] of [a, b, c].entries()) call(meter, `user ${at}`, 1)
    await pass(10)
    expect(px.requests).toHaveLength(3)
    const trackAndEnd = async (meter: Meter) => {
      for (let n = 0; n < 4; n++) meter.track('exported', { userId: 'ann' }, { n })
      await pass(2)
      await end(meter)
      await pass(2)
    }
    await trackAndEnd(a)
    expect(px.requests).toHaveLength(7)
    await trackAndEnd(b)
    expect(px.requests).toHaveLength(10)
    expect(c.stats().delivery).toMatchObject({ requestsToday: 10, requestsLeft: 0 })
    await clock.advance(Date.parse('2026-11-25T00:00:00Z') - clock.now())
    await pass(2)
    expect(px.requests).toHaveLength(11)
  })

  it('keep to one rate of requests', async () => {
    px.setSwitches({ requestsPerSecond: 20 })
    const three = await startThree({ maxRequestsPerSecond: 20, lookUp: false })
    for (let user = 0; user < 25; user++) call(three[user % 3] as Meter, `user ${user}`, 1)
    await pass(10)
    expect(px.requests.map(({ status }) => status)).toEqual(Array(25).fill(201))
  })

  it('read an observable gauge once a day', async () => {
    const asked: string[] = []
    const declare = (meter: Meter, name: string) =>
      meter.observableGauge('dailySeats', { property: 'seats' }, async (observe) => {
        asked.push(name)
        await new Promise((resolve) => setTimeout(resolve, 20))
        observe({ userId: 'ann' }, 7)
      })
    const three = await startThree()
    for (const [at, meter] of three.entries()) declare(meter, `meter ${at}`)
    await pass(5)
    await clock.advance(1_000)
    await Promise.all(three.map((meter) => meter.flush()))
    await pass(5)
    expect(asked).toHaveLength(1)
    expect(px.events().map(({ attributes }) => `${attributes.day} ${attributes.seats}`)).toEqual([
      '2026-11-23 7',
    ])
    expect(three.reduce((sum, meter) => sum + meter.stats().readings.collected, 0)).toBe(1)
  })

  it('read it again after the one that was reading it has died, and send one event', async () => {
    let isDead = false
    const ofDying = store()
    const dying = start({
      graceMs: 15 * minuteMs,
      store: new Proxy(ofDying, {
        get(target, name) {
          const value = Reflect.get(target, name)
          if (typeof value !== 'function' || name === 'outboxCounts') return value
          return (...args: unknown[]) =>
            isDead ? Promise.reject(new Error('The process is dead.')) : value(...args)
        },
      }),
      onError() {},
    })
    await dying.flush()
    await pass(5)
    const asked: string[] = []
    dying.observableGauge('dailySeats', { property: 'seats' }, (observe) => {
      asked.push('dying')
      isDead = true
      void ofDying.close()
      observe({ userId: 'ann' }, 6)
    })
    await clock.advance(1_000)
    await dying.flush().catch(() => {})
    meters = [start({ graceMs: 15 * minuteMs }), start({ graceMs: 15 * minuteMs })]
    for (const meter of meters) {
      meter.observableGauge('dailySeats', { property: 'seats' }, (observe) => {
        asked.push('other')
        observe({ userId: 'ann' }, 7)
      })
    }
    await pass(1)
    expect(asked).toEqual(['dying'])
    await pass(1)
    expect(asked).toEqual(['dying', 'other'])
    await pass(20)
    expect(px.events().map(({ attributes }) => `${attributes.day} ${attributes.seats}`)).toEqual([
      '2026-11-23 7',
    ])
  })
})
