import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createMeter,
  fileStore,
  type Meter,
  memoryStore,
  type RejectedEvent,
  type Store,
} from '@px-usage/core'
import { type FakeClock, fakeClock } from '@px-usage/core/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SendLine } from '../../../packages/core/src/delivery/send-batch.ts'
import { startScriptedPx } from '../../support/scripted-px.ts'

const atMs = Date.parse('2026-11-23T10:00:00Z')
const refuse: SendLine = async () => ({ outcome: 'rejected', reason: 'PX returned 400: bad date' })

let dir: string
let clock: FakeClock
let meters: Meter[]

beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-rejected-'))
  clock = fakeClock(atMs)
  meters = []
})
afterEach(async () => {
  for (const meter of meters) await meter.close()
  fs.rmSync(dir, { recursive: true })
})

function start(store: Store, delivery: SendLine = refuse, errors: Error[] = []): Meter {
  const meter = createMeter({ store, clock, delivery, onError: (error) => errors.push(error) })
  meters.push(meter)
  return meter
}

async function rejectedBy(meter: Meter): Promise<RejectedEvent[]> {
  const events: RejectedEvent[] = []
  for await (const event of meter.rejected()) events.push(event)
  return events
}

describe.each([
  ['memory', () => memoryStore()],
  ['file', () => fileStore({ dir })],
])('with the %s store', (_name, makeStore) => {
  it('has each refused event with its body, the reply of PX and the time', async () => {
    const meter = start(makeStore())
    expect(await rejectedBy(meter)).toEqual([])
    meter.record({
      identity: { userId: 'ann', accountId: 'acme' },
      method: 'GET',
      route: '/',
      statusCode: 200,
      aborted: false,
    })
    await clock.advance(24 * 3_600_000)
    await meter.flush()
    const [first, ...others] = await rejectedBy(meter)
    expect(first).toMatchObject({
      ...{ eventName: 'dailyApiCalls', userId: 'ann', accountId: 'acme', day: '2026-11-23', calls: 1 },
      reason: 'PX returned 400: bad date',
    })
    expect(JSON.parse((first as RejectedEvent).body)).toMatchObject({ identifyId: 'ann' })
    expect((first as RejectedEvent).rejectedAtMs).toBeGreaterThan(atMs)
    expect((first as RejectedEvent).rejectedAtMs).toBeLessThanOrEqual(clock.now())
    expect(others.map(({ eventName }) => eventName)).toEqual(['dailyEndpointCalls'])
    expect(meter.stats().lines.rejected).toBe(2)
  })
})

describe('with a shared folder', () => {
  it('a process that does not send reads what another one was refused', async () => {
    const sender = start(fileStore({ dir }))
    sender.track('exported', { userId: 'ann' })
    await sender.flush()
    const other = start(fileStore({ dir }))
    expect(await rejectedBy(other)).toMatchObject([
      { eventName: 'exported', userId: 'ann', rejectedAtMs: atMs },
    ])
  })

  it('each product key reads what it was refused, and not what the other was', async () => {
    const px = await startScriptedPx()
    px.script = ({ answer }) => answer(400, 'bad date')
    const apiKey = 'key'
    for (const productKey of ['AP-ONE-2', 'AP-TWO-2']) {
      const meter = createMeter({
        store: fileStore({ dir }),
        clock,
        apiKey,
        productKey,
        baseUrl: px.url,
        onError() {},
      })
      meters.push(meter)
      meter.track(productKey, { userId: 'ann' })
      await meter.flush()
      expect((await rejectedBy(meter)).map(({ eventName }) => eventName)).toEqual([productKey])
    }
    await px.close()
  })

  it('a later start, and an outbox that is read again, keep what was refused before', async () => {
    for (const name of ['first', 'second']) {
      const meter = start(fileStore({ dir }))
      meter.track(`${name} a`, { userId: 'ann' })
      await meter.flush()
      // What is known of the outbox is dropped and read again, within one lead.
      for (const path of fs.readdirSync(join(dir, 'outbox'))) {
        if (path.startsWith('state.')) fs.rmSync(join(dir, 'outbox', path))
      }
      meter.track(`${name} b`, { userId: 'ann' })
      await meter.flush()
      await meter.close()
    }
    const names = (await rejectedBy(start(fileStore({ dir })))).map(({ eventName }) => eventName)
    expect(names).toEqual(['first a', 'first b', 'second a', 'second b'])
  })

  it('a damaged file costs only what it held, and is reported after the others', async () => {
    for (const name of ['first', 'second', 'third']) {
      const meter = start(fileStore({ dir }))
      meter.track(name, { userId: 'ann' })
      await meter.flush()
      await meter.close()
    }
    const [, second] = fs.readdirSync(join(dir, 'outbox')).filter((path) => path.startsWith('rejected.'))
    fs.writeFileSync(join(dir, 'outbox', second as string), Buffer.alloc(300))
    const events: unknown[] = []
    const reading = (async () => {
      for await (const { eventName } of start(fileStore({ dir })).rejected()) events.push(eventName)
    })()
    await expect(reading).rejects.toMatchObject({
      code: 'PXU_ERR_STORE_UNREADABLE',
      message: expect.stringContaining(second as string),
    })
    expect(events).toEqual(['first', 'third'])
  })
})
