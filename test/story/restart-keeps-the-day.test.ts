import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore, type Meter, type MeterOptions } from '@px-usage/core'
import { type FakeClock, fakeClock, type InMemoryDelivery, inMemoryDelivery } from '@px-usage/core/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'

let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-restart-'))
})

afterEach(() => rm(dir, { recursive: true }))

function call(meter: Meter, times: number): void {
  for (let i = 0; i < times; i++) {
    meter.record({
      identity: { userId: 'ann', accountId: 'acme' },
      method: 'GET',
      route: '/a',
      statusCode: 200,
      aborted: false,
    })
  }
}

const pxIsDown: Pick<InMemoryDelivery, 'delivery'> = {
  delivery: async () => ({ outcome: 'retryable', reason: 'PX is down.' }),
}

function start(
  clock: FakeClock,
  { delivery }: Pick<InMemoryDelivery, 'delivery'>,
  options: MeterOptions = {},
): Meter {
  return createMeter({ store: fileStore({ dir }), clock, delivery, ...options })
}

it('a restart in the middle of a day gives one event for that day, with the full count', async () => {
  const px = inMemoryDelivery()
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const before = start(clock, px)
  call(before, 7)
  expect(await before.close()).toEqual({
    sent: { lines: 0 },
    kept: { calls: 7, lines: 0 },
    lost: { calls: 0, lines: 0 },
  })
  expect(px.events).toEqual([])

  const after = start(clock, px)
  call(after, 5)
  await clock.advance(24 * 3_600_000)
  await after.flush()
  expect(
    px.events.map(({ eventName, attributes }) => [eventName, attributes.apiCalls, attributes.day]),
  ).toEqual([
    ['dailyApiCalls', 12, '2026-11-23'],
    ['dailyEndpointCalls', 12, '2026-11-23'],
  ])
  await after.close()
})

it('events that PX did not take before a restart are sent after it, once', async () => {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const down = start(clock, pxIsDown)
  call(down, 3)
  await clock.advance(24 * 3_600_000)
  await down.flush()
  expect(down.stats().lines).toEqual({ closed: 2, delivered: 0, pending: 2, unconfirmed: 0, rejected: 0 })
  expect((await down.close()).kept).toEqual({ calls: 0, lines: 2 })

  const px = inMemoryDelivery()
  const up = start(clock, px)
  await clock.advance(600_000)
  await up.flush()
  expect(px.events.map(({ attributes }) => attributes.apiCalls)).toEqual([3, 3])
  expect(up.stats().lines).toEqual({ closed: 2, delivered: 2, pending: 0, unconfirmed: 0, rejected: 0 })
  await up.close()
})

it('a dry run sends nothing, not even what an earlier run left in the outbox', async () => {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const down = start(clock, pxIsDown)
  call(down, 3)
  await clock.advance(24 * 3_600_000)
  await down.close()

  const px = inMemoryDelivery()
  const dry = start(clock, px, { dryRun: true })
  await clock.advance(24 * 3_600_000)
  await dry.flush()
  expect(px.events).toEqual([])
  expect(dry.stats().lines).toEqual({ closed: 2, delivered: 0, pending: 2, unconfirmed: 0, rejected: 0 })
  await dry.close()
})
