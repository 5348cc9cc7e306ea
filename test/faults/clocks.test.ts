import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore, type Meter, memoryStore, type Store } from '@px-usage/core'
import { type FakeClock, fakeClock, type InMemoryDelivery, inMemoryDelivery } from '@px-usage/core/testing'
import { pxUsage } from '@px-usage/http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { send } from '../support/http-client.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

let px: InMemoryDelivery

beforeEach(() => {
  px = inMemoryDelivery()
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})

afterEach(() => void vi.restoreAllMocks())

function start(clock: FakeClock, timeZone: string, store: Store = memoryStore()): Meter {
  return createMeter({ store, clock, timeZone, delivery: px.delivery })
}

function call(meter: Meter): void {
  meter.record({ identity: { userId: 'ann' }, method: 'GET', route: '/', statusCode: 200, aborted: false })
}

/** Calls by usage day, as PX got them: a day that was sent in two events shows as `3+1`. */
function sent(): Record<string, string> {
  const days: Record<string, string> = {}
  for (const { eventName, attributes } of px.events) {
    if (eventName !== 'dailyApiCalls') continue
    const day = String(attributes.day)
    days[day] = day in days ? `${days[day]}+${attributes.apiCalls}` : String(attributes.apiCalls)
  }
  return days
}

describe('days of 23, 24.5 and 25 hours, a missing midnight and another zone', () => {
  it.each([
    ['America/New_York', '2026-03-07T00:00:00-05:00', 'a day of 23 hours'],
    ['America/New_York', '2026-10-31T00:00:00-04:00', 'a day of 25 hours'],
    ['Australia/Lord_Howe', '2026-04-04T00:00:00+11:00', 'a day of 24.5 hours'],
    ['Africa/Cairo', '2026-04-23T00:00:00+02:00', 'a midnight that does not exist'],
    ['America/Havana', '2026-03-07T00:00:00-05:00', 'a midnight that does not exist'],
    ['Pacific/Apia', '2011-12-29T00:00:00-10:00', 'a date that does not exist'],
  ])(
    'count each call of 72 hours in one day and send each day once (%s from %s, %s)',
    async (timeZone, from) => {
      const clock = fakeClock(from)
      const meter = start(clock, timeZone)
      const label = new Intl.DateTimeFormat('en-CA', { timeZone })
      const truth: Record<string, number> = {}
      for (let slot = 0; slot < 72 * 6; slot++) {
        const day = label.format(clock.now())
        truth[day] = (truth[day] ?? 0) + 1
        call(meter)
        await clock.advance(10 * minuteMs)
      }
      await meter.close()
      expect(sent()).toEqual(
        Object.fromEntries(Object.entries(truth).map(([day, calls]) => [day, String(calls)])),
      )
    },
  )

  it('are closed by each zone after a change of the zone, with no call in two events', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'px-usage-zones-'))
    const clock = fakeClock('2026-11-23T22:00:00Z')
    const utc = start(clock, 'UTC', fileStore({ dir }))
    for (let i = 0; i < 5; i++) call(utc)
    await utc.close()
    const berlin = start(clock, 'Europe/Berlin', fileStore({ dir }))
    call(berlin)
    await clock.advance(2 * hourMs)
    call(berlin)
    await clock.advance(dayMs)
    await berlin.flush()
    await berlin.close()
    await rm(dir, { recursive: true })
    // The two zones send on their own, in any order.
    const { '2026-11-23': both, ...others } = sent()
    expect(both?.split('+').sort()).toEqual(['1', '5'])
    expect(others).toEqual({ '2026-11-24': '1' })
  })
})

describe('a wall clock', () => {
  it('that is a day ahead for half an hour closes no day early, and every call is sent', async () => {
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const meter = start(clock, 'UTC')
    call(meter)
    clock.step(dayMs)
    await clock.advance(30 * minuteMs)
    call(meter)
    expect(sent()).toEqual({})
    clock.step(-dayMs)
    await clock.advance(30 * minuteMs)
    call(meter)
    await clock.advance(14 * hourMs)
    expect(sent()).toEqual({ '2026-11-23': '2' })
    await clock.advance(dayMs)
    expect(sent()).toEqual({ '2026-11-23': '2', '2026-11-24': '1' })
    await meter.close()
  })

  it('that goes back an hour after a close makes a revision of later calls, so Sum is right', async () => {
    const clock = fakeClock('2026-11-23T23:50:00Z')
    const meter = start(clock, 'UTC')
    call(meter)
    await clock.advance(30 * minuteMs)
    expect(sent()).toEqual({ '2026-11-23': '1' })
    clock.step(-hourMs)
    call(meter)
    await clock.advance(2 * hourMs)
    expect(sent()).toEqual({ '2026-11-23': '1+1' })
    expect(px.events.map(({ attributes }) => attributes.revision)).toEqual([undefined, undefined, 1, 1])
    expect(process.emitWarning).toHaveBeenCalledWith(
      expect.stringContaining('2026-11-23 (1 calls) came after it was closed'),
      expect.anything(),
    )
    await meter.close()
  })
})

describe('a machine suspended for 12 hours over midnight', () => {
  it('closes the day once', async () => {
    const clock = fakeClock('2026-11-23T20:00:00Z')
    const meter = start(clock, 'UTC')
    call(meter)
    clock.step(12 * hourMs)
    call(meter)
    await clock.advance(2 * hourMs)
    expect(sent()).toEqual({ '2026-11-23': '1' })
    await clock.advance(dayMs)
    expect(sent()).toEqual({ '2026-11-23': '1', '2026-11-24': '1' })
    await meter.close()
  })
})

describe('a call over midnight, and a stream of nine hours', () => {
  it('are counted once, in the day in which they finished', async () => {
    const clock = fakeClock('2026-11-23T23:59:59.900Z')
    const usage = pxUsage({
      identify: () => ({ userId: 'ann' }),
      store: memoryStore(),
      clock,
      delivery: px.delivery,
    })
    const held: Array<() => void> = []
    const server = createServer((req, res) => {
      usage(req, res)
      res.write('data: 1\n\n')
      held.push(() => res.end())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const [short, stream] = [send(url), send(url)]
    await vi.waitUntil(() => held.length === 2)
    await clock.advance(5_100)
    held[0]?.()
    await Promise.race([short, stream])
    await clock.advance(9 * hourMs)
    expect(sent()).toEqual({})
    held[1]?.()
    await Promise.all([short, stream])
    await clock.advance(dayMs)
    expect(sent()).toEqual({ '2026-11-24': '2' })
    await usage.meter.close()
    server.close()
  })
})
