import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore, type Meter, type MeterOptions, memoryStore } from '@px-usage/core'
import { type FakeClock, fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { type Emulator, startEmulator } from 'px-emulator'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fileStoreOn } from '../../packages/core/src/stores/file-store.ts'
import { quickDisk } from '../support/quick-disk.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const number = { type: 'NUMBER' } as const
const attributes = { user: { apiCalls: 'dailyApiCalls' }, account: { apiCalls: 'dailyApiCalls' } }
const declared = {
  user: [{ apiName: 'dailyApiCalls', ...number }],
  account: [{ apiName: 'dailyApiCalls', ...number }],
}
let px: Emulator
let dir: string
const warnings: Array<{ code: string; message: string }> = []
const onWarning = (warning: Error & { code?: string }) =>
  void warnings.push({ code: warning.code ?? '', message: warning.message })

beforeEach(async () => {
  px = await startEmulator({ port: 0, attributes: declared })
  dir = await mkdtemp(join(tmpdir(), 'px-usage-attributes-'))
  warnings.length = 0
  process.on('warning', onWarning)
})

afterEach(async () => {
  process.off('warning', onWarning)
  await px.close()
  await rm(dir, { recursive: true })
})

function start(clock: FakeClock, options: MeterOptions = {}): Meter {
  const { apiKey, productKey, url: baseUrl } = px
  const common = {
    apiKey,
    productKey,
    baseUrl,
    clock,
    attributes,
    startJitterMs: 0,
    lookUpAfterMs: 60_000,
  }
  return createMeter({ ...common, requestTimeoutMs: 5_000, store: memoryStore(), ...options })
}

function call(meter: Meter, userId: string, accountId: string | undefined, times: number): void {
  for (let i = 0; i < times; i++) {
    meter.record({
      identity: { userId, accountId },
      method: 'GET',
      route: `/v1/${i}`,
      statusCode: 200,
      aborted: false,
    })
  }
}

async function request(method: string, path: string, body?: object): Promise<Response> {
  const headers = { 'X-APTRINSIC-API-KEY': px.apiKey, 'content-type': 'application/json' }
  return fetch(`${px.url}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
}

async function createUser(identifyId: string, more: object = {}): Promise<void> {
  await request('POST', '/v1/users', { identifyId, propertyKeys: [px.productKey], ...more })
}

async function attributesOf(path: string): Promise<unknown> {
  const member = (await (await request('GET', path)).json()) as { customAttributes?: object }
  return member.customAttributes
}

it('the numbers of a closed day are set on users and accounts of any id, and nothing else is', async () => {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  await createUser('ann', { email: 'ann@example.com', customAttributes: { dailyApiCalls: 9 } })
  await createUser('a/b c')
  await request('POST', '/v1/accounts', { id: 'acme', name: 'Acme', propertyKeys: [px.productKey] })
  const meter = start(clock)
  call(meter, 'ann', 'acme', 3)
  call(meter, 'ann', undefined, 2)
  call(meter, 'a/b c', 'acme', 4)
  call(meter, 'stranger', 'notLeader', 1)
  await clock.advance(dayMs)
  await meter.flush()

  expect(await attributesOf('/v1/users/ann')).toEqual({ dailyApiCalls: 5 })
  expect(await (await request('GET', '/v1/users/ann')).json()).toMatchObject({ email: 'ann@example.com' })
  const { users } = (await (await request('GET', '/v1/users')).json()) as { users: object[] }
  expect(users).toHaveLength(2)
  expect(users).toContainEqual(
    expect.objectContaining({ identifyId: 'a/b c', customAttributes: { dailyApiCalls: 4 } }),
  )
  expect(await attributesOf('/v1/accounts/acme')).toEqual({ dailyApiCalls: 7 })
  const { delivery, lines } = meter.stats()
  expect(delivery.attributes).toEqual({ put: 3, created: 0, missing: 2, superseded: 0 })
  expect(lines).toMatchObject({ pending: 0, unconfirmed: 0, rejected: 0 })
  expect(lines.closed).toBe(lines.delivered)
  await meter.close()
  expect(warnings.map(({ code }) => code)).toEqual(['PXU_WRN_DELIVERY_MISSING'])
})

it('a running value is set when it has changed, starts each day at 0, and keeps closed days', async () => {
  const clock = fakeClock('2026-11-23T23:00:30Z')
  const sent = inMemoryDelivery()
  const running = { everyMs: 600_000, user: { apiCalls: 'callsToday' }, account: { apiCalls: 'callsToday' } }
  const meter = start(clock, {
    delivery: sent.delivery,
    attributes: { user: { apiCalls: 'dailyApiCalls' }, running },
  })
  const set = async (ms: number) => {
    const seen = sent.attributes.length
    for (let passed = 0; passed < ms; passed += 60_000) await clock.advance(60_000)
    return sent.attributes.slice(seen).map(({ kind, id, values }) => [kind, id, values])
  }
  call(meter, 'ann', 'acme', 3)
  call(meter, 'bob', 'acme', 1)
  expect(await set(540_000)).toEqual([])
  expect(await set(120_000)).toEqual([
    ['user', 'ann', { callsToday: 3 }],
    ['user', 'bob', { callsToday: 1 }],
    ['account', 'acme', { callsToday: 4 }],
  ])
  expect(await set(600_000), 'nothing changed').toEqual([])
  call(meter, 'ann', 'acme', 2)
  expect(await set(600_000)).toEqual([
    ['user', 'ann', { callsToday: 5 }],
    ['account', 'acme', { callsToday: 6 }],
  ])
  await set(1_500_000)
  await clock.advance(225_000)
  // A quarter of a minute into the next day.
  call(meter, 'ann', 'acme', 1)
  const atMidnight = await set(600_000)
  expect(atMidnight).toEqual([
    ['user', 'ann', { callsToday: 1 }],
    ['account', 'acme', { callsToday: 1 }],
    ['user', 'bob', { callsToday: 0 }],
  ])
  expect(await set(900_000)).toEqual([
    ['user', 'ann', { dailyApiCalls: 5 }],
    ['user', 'bob', { dailyApiCalls: 1 }],
  ])
  expect(await set(3_600_000)).toEqual([])
  await meter.close()
})

it('running values do not pile up while PX is down, and the latest arrives with closed days', async () => {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const set: string[] = []
  let isDown = true
  const meter = start(clock, {
    attributes: { running: { everyMs: 60_000, user: { apiCalls: 'callsToday' } } },
    delivery: async ({ kind, body }) => {
      if (isDown) return { outcome: 'retryable', reason: 'down' }
      if (kind === 'user') set.push(body)
      return { outcome: 'delivered' }
    },
  })
  for (let minute = 0; minute < 300; minute++) {
    call(meter, 'ann', 'acme', 1)
    await clock.advance(60_000)
  }
  expect(meter.stats().lines).toMatchObject({ closed: 1, pending: 1 })
  isDown = false
  for (let minute = 0; minute < 10; minute++) await clock.advance(60_000)
  expect(meter.stats().lines).toMatchObject({ pending: 0 })
  expect(set.map((body) => JSON.parse(body).customAttributes)).toEqual([
    { callsToday: 1 },
    { callsToday: 300 },
  ])
  await meter.close()
})

describe('processes that share a folder', () => {
  const running: { everyMs: number; user: Record<string, string> } = {
    everyMs: 60_000,
    user: { apiCalls: 'callsToday' },
  }
  let isDown: boolean
  let set: object[]
  beforeEach(() => {
    isDown = false
    set = []
  })

  function startOnFolder(clock: FakeClock, names = running): Meter {
    return start(clock, {
      store: fileStoreOn(quickDisk, { dir }),
      attributes: { running: names },
      async delivery({ kind, body }) {
        if (isDown) return { outcome: 'retryable', reason: 'down' }
        if (kind === 'user') set.push(JSON.parse(body).customAttributes)
        return { outcome: 'delivered' }
      },
    })
  }

  /** A call in each process every minute. */
  async function pass(clock: FakeClock, minutes: number, meters: readonly Meter[]): Promise<void> {
    for (let minute = 0; minute < minutes; minute++) {
      for (const meter of meters) call(meter, 'ann', undefined, 1)
      await clock.advance(60_000)
      for (const meter of meters) await meter.flush()
    }
  }

  async function waiting(meter: Meter): Promise<number> {
    let lines = 0
    for await (const _ of meter.outbox()) lines += 1
    return lines
  }

  it('leave no running values behind while PX is down, and no older value follows a newer one', async () => {
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const meters = [startOnFolder(clock), startOnFolder(clock), startOnFolder(clock)]
    await pass(clock, 5, meters)
    isDown = true
    await pass(clock, 30, meters)
    expect(await waiting(meters[1] as Meter)).toBe(1)
    isDown = false
    await pass(clock, 5, meters)
    await pass(clock, 3, [])
    for (const meter of meters) await meter.flush()
    expect(await waiting(meters[1] as Meter)).toBe(0)
    const values = set.map((one) => (one as { callsToday: number }).callsToday)
    expect(values).toEqual([...values].sort((a, b) => a - b))
    expect(values.at(-1), 'of all three').toBe(120)
    for (const meter of meters) await meter.close()
  })

  it('set no unchanged running value again after a restart or a change of the sender', async () => {
    const clock = fakeClock('2026-11-23T22:00:00Z')
    const first = startOnFolder(clock)
    await pass(clock, 3, [first])
    const second = startOnFolder(clock)
    await pass(clock, 2, [second])
    expect(set.splice(0)).toEqual([1, 2, 3, 4, 5].map((callsToday) => ({ callsToday })))
    await first.close()
    await pass(clock, 5, [])
    await second.flush()
    await second.close()
    const third = startOnFolder(clock)
    for (let minute = 0; minute < 10; minute++) {
      await clock.advance(60_000)
      await third.flush()
    }
    expect(set).toEqual([])
    await pass(clock, 1, [third])
    expect(set.splice(0)).toEqual([{ callsToday: 6 }])
    await third.close()

    await clock.advance(2 * hourMs)
    const nextDay = startOnFolder(clock)
    for (let minute = 0; minute < 5; minute++) {
      await clock.advance(60_000)
      await nextDay.flush()
    }
    expect(set, 'the day began without calls while no process ran').toEqual([{ callsToday: 0 }])
    await nextDay.close()
  })

  it('do not set again what another sender has set meanwhile', async () => {
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const first = startOnFolder(clock)
    await pass(clock, 2, [first])
    // Nobody can see any more that it lives, so another takes over.
    for (const name of await readdir(join(dir, 's'))) await rm(join(dir, 's', name))
    const second = startOnFolder(clock)
    await pass(clock, 3, [second])
    await second.close()
    for (let minute = 0; minute < 3; minute++) {
      await clock.advance(60_000)
      await first.flush()
    }
    await pass(clock, 1, [first])
    expect(set).toEqual([1, 2, 3, 4, 5, 6].map((callsToday) => ({ callsToday })))
    await first.close()
  })

  it('a name that is not set any more gets no 0 after a restart', async () => {
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const first = startOnFolder(clock)
    await pass(clock, 2, [first])
    await first.close()
    await clock.advance(24 * hourMs)
    const renamed = startOnFolder(clock, { ...running, user: { apiCalls: 'callsSoFar' } })
    for (let minute = 0; minute < 3; minute++) {
      await clock.advance(60_000)
      await renamed.flush()
    }
    await pass(clock, 2, [renamed])
    expect(set).toEqual([{ callsToday: 1 }, { callsToday: 2 }, { callsSoFar: 1 }, { callsSoFar: 2 }])
    await renamed.close()
  })
})

it('counts that come after the close make an event, but do not change the attribute', async () => {
  const clock = fakeClock('2026-11-23T23:50:00Z')
  const sent = inMemoryDelivery()
  const meter = start(clock, { delivery: sent.delivery, graceMs: 60_000, identifyTimeoutMs: 60_000 })
  call(meter, 'ann', 'acme', 3)
  await clock.advance(hourMs)
  await meter.flush()
  clock.step(-hourMs)
  call(meter, 'ann', 'acme', 2)
  await meter.flush()
  clock.step(hourMs)
  await clock.advance(2 * hourMs)
  await meter.close()
  const days = sent.events
    .filter(({ eventName }) => eventName === 'dailyApiCalls')
    .map(({ attributes }) => [attributes.day, attributes.revision, attributes.apiCalls])
  expect(days).toContainEqual(['2026-11-23', 1, 2])
  expect(sent.attributes.filter(({ id }) => id === 'ann')).toEqual([
    { kind: 'user', id: 'ann', values: { dailyApiCalls: 3 } },
  ])
})

it('an unconfirmed value is set again without a look-up, and events are still looked up', async () => {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  await createUser('ann')
  px.addFault({ method: 'PUT', url: '/v1/users/ann', times: 1, fault: { store: true, status: 503 } })
  const meter = start(clock)
  call(meter, 'ann', undefined, 3)
  await clock.advance(dayMs)
  await meter.flush()
  await vi.waitFor(async () => {
    await clock.advance(120_000)
    await meter.flush()
    expect(meter.stats().lines).toMatchObject({ pending: 0, unconfirmed: 0 })
  })
  expect(await attributesOf('/v1/users/ann')).toEqual({ dailyApiCalls: 3 })
  expect(px.requests.filter(({ method }) => method === 'PUT')).toHaveLength(2)
  expect(meter.stats().delivery.possibleDuplicates).toBe(0)
  await meter.close()
})

it('lines of attributes survive a restart, and are made once', async () => {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  await createUser('ann')
  const down = async () => ({ outcome: 'retryable', reason: 'down' }) as const
  const before = start(clock, { store: fileStore({ dir }), delivery: down })
  call(before, 'ann', undefined, 3)
  await before.flush()
  await clock.advance(dayMs)
  await vi.waitFor(async () => {
    await before.flush()
    expect(before.stats().lines).toMatchObject({ closed: 5, delivered: 0 })
  })
  await before.close()
  const after = start(clock, { store: fileStore({ dir }) })
  await vi.waitFor(async () => {
    await clock.advance(600_000)
    await after.flush()
    expect(after.stats().lines).toMatchObject({ pending: 0, unconfirmed: 0 })
  })
  expect(after.stats().lines).toMatchObject({ closed: 5, delivered: 5 })
  expect(await attributesOf('/v1/users/ann')).toEqual({ dailyApiCalls: 3 })
  expect(px.requests.filter(({ method }) => method === 'PUT')).toHaveLength(1)
  await after.close()
})

it('attributes that PX does not have are named in one warning at the start', async () => {
  const names = { apiCalls: 'dailyApiCalls', rows: 'DailyApiCalls', gigabytes: 'storage' }
  const meter = start(fakeClock('2026-11-23T10:00:00Z'), { attributes: { user: names, account: names } })
  await vi.waitFor(() => expect(warnings).toHaveLength(1))
  expect(warnings[0]?.code).toBe('PXU_WRN_DELIVERY_ATTRIBUTE_UNDECLARED')
  expect(warnings[0]?.message).toContain(
    '"DailyApiCalls" of the user, "storage" of the user, "DailyApiCalls" of the account, "storage" of the account',
  )
  await meter.close()
})

it('no attribute is reported as missing when PX cannot be read', async () => {
  px.addKey('write-only', { write: true })
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const names = { user: { apiCalls: 'undeclared' } }
  const meters = [
    start(clock, { apiKey: 'write-only', attributes: names }),
    start(clock, { baseUrl: 'http://127.0.0.1:1', attributes: names }),
    start(clock, { dryRun: true, attributes: names }),
  ]
  await vi.waitFor(() =>
    expect(px.requests.map(({ url }) => url)).toEqual(['/v1/admin/model/user/attributes']),
  )
  for (const meter of meters) await meter.close()
  expect(warnings).toEqual([])
})
