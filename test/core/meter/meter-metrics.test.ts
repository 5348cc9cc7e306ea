import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, type DeliveryResult, fileStore, type Meter, memoryStore } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { afterEach, describe, expect, it } from 'vitest'

const hourMs = 3_600_000
const closers: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function values(meter: Meter): Record<string, number> {
  return Object.fromEntries(meter.metrics().map(({ name, value }) => [name.replace('px_usage.', ''), value]))
}

function expectIdentities(of: Record<string, number>): void {
  const value = (name: string) => of[name] as number
  expect(value('calls.counted')).toBe(value('calls.in_memory') + value('calls.stored'))
  expect(value('lines.closed')).toBe(
    value('lines.delivered') + value('lines.pending') + value('lines.unconfirmed') + value('lines.rejected'),
  )
}

async function setUp(options: Parameters<typeof createMeter>[0] = {}) {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  let result: DeliveryResult = { outcome: 'delivered' }
  const meter = createMeter({
    clock,
    delivery: async () => result,
    store: memoryStore(),
    onError() {},
    ...options,
  })
  closers.push(() => meter.close())
  const call = (userId: string | undefined, route = '/') =>
    meter.record({
      identity: userId === undefined ? undefined : { userId },
      ...{ method: 'GET', route, statusCode: 200, aborted: false },
    })
  const respond = (next: DeliveryResult) => {
    result = next
  }
  return { clock, meter, call, respond }
}

describe('metrics()', () => {
  it('has at most 15 numbers, with unique names and the units and the help to read them', async () => {
    const { meter } = await setUp()
    const metrics = meter.metrics()
    expect(metrics.length).toBeLessThanOrEqual(15)
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length)
    for (const { name, kind, unit, help, value } of metrics) {
      expect(name).toMatch(/^px_usage\.(calls|lines|delivery)\.[a-z_]+$/)
      expect(kind).toMatch(/^(counter|gauge)$/)
      expect(unit).toMatch(/^(s|\{(call|line|request|process)\})$/)
      expect(help).toMatch(/\.$/)
      expect(value, name).toBe(0)
    }
  })

  it('follow calls from memory to the store, with those that have no user or less detail apart', async () => {
    const { meter, clock, call } = await setUp({ limits: { endpointsPerIdentity: 1 } })
    await clock.advance(0)
    call('ann', '/a')
    call('ann', '/b')
    call(undefined)
    const before = values(meter)
    expect(before).toMatchObject({ 'calls.counted': 2, 'calls.in_memory': 2, 'calls.stored': 0 })
    expect(before).toMatchObject({ 'calls.unattributed': 1, 'calls.folded': 1 })
    expectIdentities(before)
    await meter.flush()
    const after = values(meter)
    expect(after).toMatchObject({ 'calls.counted': 2, 'calls.in_memory': 0, 'calls.stored': 2 })
    expectIdentities(after)
  })

  it('show how long lines wait, why, and what became of them', async () => {
    const { meter, clock, call, respond } = await setUp()
    call('ann')
    respond({ outcome: 'stopped', reason: 'PX refuses the key.' })
    await clock.advance(15 * hourMs)
    const waiting = values(meter)
    expect(waiting).toMatchObject({ 'lines.closed': 2, 'lines.pending': 2, 'delivery.stopped': 1 })
    expect(waiting['lines.longest_wait_seconds']).toBeGreaterThan(2_000)
    expect(waiting['lines.longest_wait_seconds']).toBeLessThan(hourMs / 1_000)
    expectIdentities(waiting)
    respond({ outcome: 'unconfirmed', reason: 'No reply.' })
    await clock.advance(6 * 60_000)
    expect(values(meter)).toMatchObject({ 'lines.unconfirmed': 2, 'delivery.accepted': 0 })
    respond({ outcome: 'delivered' })
    await clock.advance(hourMs)
    const done = values(meter)
    expect(done).toMatchObject({ 'lines.delivered': 2, 'delivery.accepted': 2, 'delivery.stopped': 0 })
    expect(done).toMatchObject({ 'lines.longest_wait_seconds': 0, 'lines.possible_duplicates': 2 })
    expectIdentities(done)
  })

  it('show how long lines wait that were refused one after the other', async () => {
    const { meter, clock, call, respond } = await setUp({
      rollups: [{ eventName: 'dailyApiCalls', by: 'identity' }],
    })
    for (let user = 0; user < 20; user += 1) call(`user ${user}`)
    respond({ outcome: 'rejected', reason: 'No such product.' })
    await clock.advance(15 * hourMs)
    expect(values(meter)).toMatchObject({ 'delivery.stopped': 1, 'lines.pending': 20 })
    expect(values(meter)['lines.longest_wait_seconds']).toBeGreaterThan(2_000)
  })

  it('of two processes that share a folder add up, as only the one that sends reports the lines', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'px-usage-metrics-'))
    closers.push(() => rm(dir, { recursive: true }))
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const results: DeliveryResult[] = [{ outcome: 'unconfirmed', reason: 'No reply.' }]
    const delivery = async () => results.shift() ?? ({ outcome: 'delivered' } as const)
    const both = [1, 2].map(() => createMeter({ clock, delivery, store: fileStore({ dir }), onError() {} }))
    for (const meter of both) closers.push(() => meter.close())
    const [first, second] = both as [Meter, Meter]
    for (const meter of both) await meter.flush()
    for (const [at, meter] of both.entries()) {
      const call = { method: 'GET', route: '/', statusCode: 200, aborted: false }
      for (let times = 0; times <= at; times += 1) meter.record({ identity: { userId: 'ann' }, ...call })
    }
    for (const passedMs of [16 * hourMs, hourMs, hourMs]) {
      await clock.advance(passedMs)
      for (const meter of both) await meter.flush()
    }
    const [sending, other] = [values(first), values(second)]
    expect([sending['calls.counted'], other['calls.counted']]).toEqual([1, 2])
    expect(sending).toMatchObject({ 'lines.closed': 2, 'lines.delivered': 2, 'delivery.accepted': 2 })
    expect(sending).toMatchObject({ 'lines.possible_duplicates': 1 })
    expect(other).toMatchObject({ 'lines.closed': 0, 'lines.possible_duplicates': 0, 'delivery.accepted': 0 })
    for (const one of [sending, other]) expectIdentities(one)
  })
})
