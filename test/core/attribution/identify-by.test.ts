import diagnosticsChannel from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import {
  createMeter,
  type IdentifyByOptions,
  identifyBy,
  memoryStore,
  type UnattributedReason,
  type UsageError,
} from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'
import { callIdentify } from '../../../packages/core/src/attribution/identify.ts'

type Ask = (key: string, options: { signal: AbortSignal }) => unknown

function setUp(lookup: Ask, options: Partial<IdentifyByOptions<string | undefined>> = {}) {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const asked: string[] = []
  const errors: UsageError[] = []
  const px = inMemoryDelivery()
  const meter = createMeter({
    clock,
    store: memoryStore(),
    delivery: px.delivery,
    onError: (error) => errors.push(error),
  })
  const identify = identifyBy<string | undefined>({
    credential: (key) => key,
    lookup: ((key, signal) => {
      asked.push(key)
      return lookup(key, signal)
    }) as IdentifyByOptions<string>['lookup'],
    clock,
    ...options,
  })
  const call = (key: string | undefined, route = '/a', statusCode = 200) =>
    meter.record({
      identity: callIdentify(identify, key),
      method: 'GET',
      route,
      statusCode,
      aborted: false,
    })
  return { clock, asked, errors, px, meter, identify, call, calls: () => meter.stats().calls }
}

const ownerOf = (key: string) => Promise.resolve({ userId: `user of ${key}`, accountId: 'acme' })
const never = (): Promise<undefined> => new Promise<undefined>(() => {})
const tick = () => new Promise((resolve) => setImmediate(resolve))

describe('a credential that is not known', () => {
  it('is looked up once for all calls that come meanwhile, and they count for its user', async () => {
    const { asked, call, calls, meter, px } = setUp(ownerOf)
    for (let i = 0; i < 500; i++) call('k1', `/${i % 5}`, i % 2 ? 200 : 404)
    expect(calls()).toMatchObject({ pending: 500, counted: 0 })
    await tick()
    expect(asked).toEqual(['k1'])
    expect(calls()).toMatchObject({ pending: 0, counted: 500 })
    await meter.close()
    expect(px.events.find(({ eventName }) => eventName === 'dailyApiCalls')).toMatchObject({
      identifyId: 'user of k1',
      accountId: 'acme',
      attributes: { apiCalls: 500, clientErrors: 250 },
    })
  })

  it('counts its calls in the day in which they finished, also when the lookup ends a day later', async () => {
    let answer: (identity: object) => void = () => {}
    const { clock, call, meter, px } = setUp(() => new Promise((resolve) => (answer = resolve)), {
      timeoutMs: 60_000,
    })
    await clock.advance(14 * 3_600_000 - 10_000)
    call('k1')
    await clock.advance(10_000)
    call('k1')
    call('k1')
    await clock.advance(5_000)
    answer({ userId: 'ann' })
    await clock.advance(900_000)
    await meter.close()
    const days = px.events.filter(({ eventName }) => eventName === 'dailyApiCalls')
    expect(days.map(({ attributes }) => [attributes.day, attributes.apiCalls, attributes.revision])).toEqual([
      ['2026-11-23', 1, undefined],
      ['2026-11-24', 2, undefined],
    ])
  })

  it.each<[what: string, lookup: Ask, reason: UnattributedReason]>([
    [
      'throws',
      () => {
        throw new Error('no database')
      },
      'threw',
    ],
    ['is rejected', () => Promise.reject(new Error('no database')), 'rejected'],
    ['hangs', never, 'timedOut'],
    ['answers junk', () => 'ann', 'invalid'],
    [
      'answers a broken object',
      () => ({
        get userId() {
          throw new Error('lazy')
        },
      }),
      'invalid',
    ],
    ['answers nothing', () => null, 'anonymous'],
  ])(
    'whose lookup %s has all its calls reported by that reason, now and for a while',
    async (_what, lookup, reason) => {
      const { clock, asked, call, calls } = setUp(lookup)
      for (let i = 0; i < 3; i++) call('k1')
      await clock.advance(1_000)
      expect(calls()).toMatchObject({ pending: 0, counted: 0, unattributed: { [reason]: 3 } })
      call('k1')
      expect(calls()).toMatchObject({ pending: 0, unattributed: { [reason]: 4 } })
      await clock.advance(9_000)
      call('k1')
      expect(asked).toHaveLength(1)
      await clock.advance(1_001)
      call('k1')
      expect(asked).toHaveLength(2)
      await clock.advance(1_000)
      expect(calls().unattributed[reason]).toBe(6)
    },
  )

  it('is awaited for timeoutMs at most, also above identifyTimeoutMs, and its lookup is aborted', async () => {
    let told: AbortSignal | undefined
    const { clock, call, calls } = setUp(
      (_key, { signal }) => {
        told = signal
        return never()
      },
      { timeoutMs: 5_000 },
    )
    call('k1')
    await clock.advance(4_999)
    expect(calls()).toMatchObject({ pending: 1 })
    expect(told?.aborted).toBe(false)
    await clock.advance(1)
    expect(calls()).toMatchObject({ pending: 0, unattributed: { timedOut: 1 } })
    expect(told?.aborted).toBe(true)
  })

  it('is not awaited longer than the day stays open, whatever timeoutMs says', async () => {
    const { clock, call, calls } = setUp(never, { timeoutMs: 10_000_000 })
    call('k1')
    await clock.advance(900_000)
    expect(calls()).toMatchObject({ pending: 0, unattributed: { timedOut: 1 } })
  })

  it('is not looked up when too many others are', async () => {
    const { clock, asked, call, calls } = setUp(never, { max: 3 })
    for (const key of ['k1', 'k2', 'k3', 'k4', 'k1']) call(key)
    expect(asked).toEqual(['k1', 'k2', 'k3'])
    expect(calls()).toMatchObject({ pending: 4, unattributed: { overloaded: 1 } })
    await clock.advance(1_000)
    expect(calls()).toMatchObject({ pending: 0, unattributed: { timedOut: 4 } })
  })

  it('is reported as lost by close() when its lookup does not end in time', async () => {
    const { clock, call, meter, calls } = setUp(never, { timeoutMs: 60_000 })
    for (let i = 0; i < 7; i++) call('k1')
    const closing = meter.close({ timeoutMs: 2_000 })
    await clock.advance(3_000)
    expect(await closing).toMatchObject({ lost: { calls: 7 } })
    expect(calls().pending).toBe(7)
  })

  it('is waited for by close()', async () => {
    let answer: (identity: object) => void = () => {}
    const { clock, call, meter, px } = setUp(() => new Promise((resolve) => (answer = resolve)))
    for (let i = 0; i < 7; i++) call('k1')
    const closing = meter.close()
    await clock.advance(500)
    answer({ userId: 'ann' })
    expect(await closing).toMatchObject({ sent: { lines: 2 }, lost: { calls: 0, lines: 0 } })
    expect(px.events[0]?.attributes.apiCalls).toBe(7)
  })

  it('counts in each of two meters that share the lookup', async () => {
    const { clock, asked, call, identify, calls } = setUp(ownerOf)
    const { delivery } = inMemoryDelivery()
    const other = createMeter({ clock, store: memoryStore(), delivery })
    call('k1')
    other.record({
      identity: callIdentify(identify, 'k1'),
      method: 'GET',
      route: '/a',
      statusCode: 200,
      aborted: false,
    })
    await tick()
    expect([calls().counted, other.stats().calls.counted, asked.length]).toEqual([1, 1, 1])
  })
})

describe('a credential that is known', () => {
  it('returns the same frozen object at once each time', async () => {
    const { clock, asked, identify, call } = setUp(ownerOf)
    call('k1')
    await tick()
    const owner = identify('k1')
    expect(owner).toEqual({ userId: 'user of k1', accountId: 'acme' })
    expect(Object.isFrozen(owner)).toBe(true)
    await clock.advance(300_000)
    expect(identify('k1')).toBe(owner)
    expect(asked).toHaveLength(1)
  })

  it('keeps its identity while it is looked up again after ttlMs, once', async () => {
    let name = 'ann'
    const { clock, asked, identify, call, calls } = setUp(() => Promise.resolve({ userId: name }))
    call('k1')
    await clock.advance(300_001)
    name = 'bob'
    for (let i = 0; i < 3; i++) {
      call('k1')
      expect(identify('k1')).toEqual({ userId: 'ann' })
    }
    expect(calls()).toMatchObject({ counted: 4, pending: 0 })
    await tick()
    expect(identify('k1')).toEqual({ userId: 'bob' })
    expect(asked).toHaveLength(2)
  })

  it('keeps its identity while lookups fail, with one lookup per negativeTtlMs', async () => {
    let isDown = false
    const { clock, asked, call, calls } = setUp((key) =>
      isDown ? Promise.reject(new Error('down')) : ownerOf(key),
    )
    call('k1')
    await clock.advance(300_001)
    isDown = true
    for (let second = 0; second < 100; second++) {
      call('k1')
      await clock.advance(1_000)
    }
    expect(calls()).toMatchObject({ counted: 101, pending: 0, unattributed: { rejected: 0 } })
    expect(asked.length).toBe(11)
  })

  it('loses its identity when a lookup returns none', async () => {
    let isRevoked = false
    const { clock, identify, call } = setUp((key) => (isRevoked ? null : ownerOf(key)))
    call('k1')
    await clock.advance(300_001)
    isRevoked = true
    call('k1')
    await tick()
    expect(identify('k1')).toBeUndefined()
  })

  it('is forgotten when more than max others were used since', async () => {
    const { asked, call } = setUp(ownerOf, { max: 2 })
    for (const key of ['k1', 'k2', 'k1', 'k3', 'k1', 'k2']) {
      call(key)
      await tick()
    }
    expect(asked).toEqual(['k1', 'k2', 'k3', 'k2'])
  })
})

it('a call without a credential is anonymous, and a credential that is no text is invalid', () => {
  const { asked, call, calls } = setUp(ownerOf)
  for (const none of [undefined, null, '', false, 0]) call(none as never)
  for (const junk of [7, ['k1', 'k2'], {}, '\ud800', Promise.reject(new Error('async'))]) call(junk as never)
  expect(calls().unattributed).toMatchObject({ anonymous: 5, invalid: 5 })
  expect(asked).toEqual([])
})

describe('a credential', () => {
  const credential = 'Bearer sk_live_4f9a8b7c6d5e'
  const leaky = Object.assign(
    new Error(
      `no row for ${credential}; token sk_live_4f9a8b7c6d5e (cut: sk_live_4f9a8), ${encodeURIComponent(credential)}, ${Buffer.from(credential).toString('base64')}`,
    ),
    { code: 'ENOROW', parameters: [credential], cause: new Error(credential) },
  )

  it('appears in no error, channel or inspection', async () => {
    const seen: unknown[] = []
    const listen = (message: unknown) => seen.push(message)
    const channels = ['px-usage:attribution:failed', 'lru-cache:metrics'].map((name) =>
      diagnosticsChannel.channel(name),
    )
    for (const channel of channels) channel.subscribe(listen)
    const { errors, identify, call, meter, clock } = setUp(() => Promise.reject(leaky))
    call(credential)
    const pending = identify(credential)
    await clock.advance(1)
    call(credential)
    await clock.advance(60_000)
    call(credential)
    await clock.advance(1)
    for (const channel of channels) channel.unsubscribe(listen)
    expect(seen.length).toBeGreaterThan(1)
    expect(errors).toHaveLength(2)
    const all = inspect(
      [
        seen,
        errors,
        errors.map(({ cause }) => (cause as Error).stack),
        identify,
        pending,
        meter.stats(),
        await pending,
      ],
      {
        depth: 20,
        showHidden: true,
      },
    )
    expect(all).not.toMatch(/4f9a8|c2tfbGl2/)
    expect(all).toContain(
      'no row for (credential); token(credential) (cut:(credential)), (credential), (credential)',
    )
    expect(errors[0]?.cause).toMatchObject({ name: 'Error', code: 'ENOROW' })
  })
})

it.each<[options: object, name: string]>([
  [{ lookup: ownerOf }, 'credential'],
  [{ credential: () => 'k' }, 'lookup'],
  [{ credential: 'x-api-key', lookup: ownerOf }, 'credential'],
  [{ credential: () => 'k', lookup: ownerOf, max: 0 }, 'max'],
  [{ credential: () => 'k', lookup: ownerOf, max: 1e9 }, 'max'],
  [{ credential: () => 'k', lookup: ownerOf, ttlMs: 0.5 }, 'ttlMs'],
  [{ credential: () => 'k', lookup: ownerOf, ttl: 5 }, 'ttl'],
])('a mistake in the options of identifyBy throws at once: %o', (options, name) => {
  expect(() => identifyBy(options as never)).toThrow(new RegExp(`^The option "?${name}"? is `))
})
