import { createMeter, type Meter, type MeterOptions, memoryStore } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { createApp as createExpressApp } from 'example-express-basic/app.ts'
import { createApp as createKoaApp } from 'example-koa-basic/app.ts'
import { type CustomEvent, type Emulator, startEmulator } from 'px-emulator'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RunningServer, send, startServer } from '../support/http-client.ts'

const timeZone = 'America/New_York'
const productKey = 'AP-STORYSTORY12-2'
const hourMs = 3_600_000

/** What one request does, known beforehand. */
const requests = [
  { app: 'express', method: 'GET', path: '/v1/orders', endpoint: '/v1/orders', status: 200 },
  { app: 'express', method: 'GET', path: '/v1/orders/17', endpoint: '/v1/orders/:id', status: 200 },
  { app: 'express', method: 'POST', path: '/v1/orders', endpoint: '/v1/orders', status: 201 },
  { app: 'express', method: 'GET', path: '/v1/broken', endpoint: '/v1/broken', status: 500 },
  { app: 'express', method: 'GET', path: '/no/such/path', endpoint: '(unmatched)', status: 404 },
  { app: 'koa', method: 'GET', path: '/v2/invoices', endpoint: '/v2/invoices', status: 200 },
  { app: 'koa', method: 'GET', path: '/v2/invoices/4', endpoint: '/v2/invoices/:id', status: 200 },
  { app: 'koa', method: 'DELETE', path: '/v2/invoices/4', endpoint: '/v2/invoices/:id', status: 403 },
  { app: 'koa', method: 'GET', path: '/nothing', endpoint: '(unmatched)', status: 404 },
] as const

interface Tally {
  apiCalls: number
  clientErrors: number
  serverErrors: number
}

let emulator: Emulator
let servers: RunningServer[] = []

function connectedMeter(options: MeterOptions = {}): Meter {
  const { apiKey, url } = emulator
  return createMeter({ apiKey, productKey, baseUrl: url, store: memoryStore(), ...options })
}

beforeEach(async () => {
  emulator = await startEmulator({ port: 0 })
})

afterEach(async () => {
  await Promise.all([...servers.map((server) => server.close()), emulator.close()])
  servers = []
})

describe('two apps, thirty users, three days, five thousand requests', () => {
  it('become one event per user and day, and one per endpoint, with the true numbers', async () => {
    const clock = fakeClock('2026-03-07T15:00:00Z')
    const meter = connectedMeter({ timeZone, clock })
    servers = [
      await startServer(createExpressApp({ meter }).app),
      await startServer(createKoaApp({ meter }).app.callback()),
    ]
    const urls = { express: servers[0]?.url, koa: servers[1]?.url }
    const truth = new Map<string, Tally>()
    let random = 12_345
    let sent = 0

    // The second of these days has 23 hours in New York.
    for (const [day, count] of [
      ['2026-03-07', 1_700],
      ['2026-03-08', 1_600],
      ['2026-03-09', 1_700],
    ] as const) {
      const batch: Array<Promise<void>> = []
      for (let i = 0; i < count; i++) {
        random = (random * 1_103_515_245 + 12_345) % 2 ** 31
        const user = Math.floor(random / 7) % 30
        const wanted = requests[Math.floor(random / 300) % requests.length] as (typeof requests)[number]
        const headers = { 'x-user': `user-${user}`, 'x-account': `account-${user % 5}` }
        for (const entity of [
          JSON.stringify(['dailyApiCalls', day, headers['x-user'], headers['x-account']]),
          JSON.stringify([
            'dailyEndpointCalls',
            day,
            headers['x-user'],
            headers['x-account'],
            wanted.method,
            wanted.endpoint,
          ]),
        ]) {
          const tally = truth.get(entity) ?? { apiCalls: 0, clientErrors: 0, serverErrors: 0 }
          truth.set(entity, tally)
          tally.apiCalls += 1
          if (wanted.status >= 400 && wanted.status < 500) tally.clientErrors += 1
          if (wanted.status >= 500) tally.serverErrors += 1
        }
        batch.push(
          send(`${urls[wanted.app]}${wanted.path}`, { method: wanted.method, headers }).then((answer) => {
            expect(answer.status).toBe(wanted.status)
          }),
        )
      }
      await Promise.all(batch)
      sent += count
      await vi.waitFor(() => expect(meter.stats().calls.counted).toBe(sent))
      await clock.advance(24 * hourMs)
      await meter.flush()
    }
    expect(sent).toBe(5_000)

    const received = new Map<string, Tally>()
    for (const event of emulator.events()) {
      const { attributes } = event
      const endpoint =
        event.eventName === 'dailyEndpointCalls' ? [attributes.method, attributes.endpoint] : []
      const entity = JSON.stringify([
        event.eventName,
        attributes.day,
        event.identifyId,
        event.accountId,
        ...endpoint,
      ])
      expect(received.has(entity), `a second event for ${entity}`).toBe(false)
      received.set(entity, {
        apiCalls: attributes.apiCalls as number,
        clientErrors: attributes.clientErrors as number,
        serverErrors: attributes.serverErrors as number,
      })
    }
    expect(Object.fromEntries(received)).toEqual(Object.fromEntries(truth))
    const { calls, lines } = meter.stats()
    expect(calls).toMatchObject({ counted: 5_000, inMemory: 0, stored: 5_000 })
    expect(lines).toEqual({
      closed: truth.size,
      delivered: truth.size,
      pending: 0,
      unconfirmed: 0,
      rejected: 0,
    })
    console.log(`5,000 requests, ${truth.size} events, 0 wrong`)
    await meter.close()
  })

  it('carry noon of the day in its zone and numbers that are numbers', async () => {
    const clock = fakeClock('2026-03-08T20:00:00Z')
    const meter = connectedMeter({ timeZone, clock })
    meter.record({
      identity: { userId: 'ann', accountId: 'acme' },
      method: 'GET',
      route: '/a',
      statusCode: 200,
      aborted: false,
    })
    await clock.advance(24 * hourMs)
    await meter.flush()
    const noon = Date.parse('2026-03-08T12:00:00-04:00')
    const [daily] = emulator.events() as [CustomEvent]
    expect(daily).toEqual({
      eventId: expect.any(String),
      eventName: 'dailyApiCalls',
      identifyId: 'ann',
      accountId: 'acme',
      propertyKey: productKey,
      userType: 'USER',
      date: noon,
      attributes: {
        timestamp: noon,
        apiCalls: 1,
        clientErrors: 0,
        serverErrors: 0,
        aborted: 0,
        apiType: 'RESTful',
        day: '2026-03-08',
        timeZone,
        rollupId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    })
    expect(emulator.requests[0]?.headers['x-aptrinsic-api-key']).toBe(emulator.apiKey)
    await meter.close()
  })
})

it('preview() returns what closing the open day would send, and changes nothing', async () => {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const meter = connectedMeter({ clock })
  for (let i = 0; i < 3; i++) {
    meter.record({ identity: { userId: 'ann' }, method: 'GET', route: '/a', statusCode: 200, aborted: false })
  }
  const preview = await meter.preview()
  expect(emulator.events()).toEqual([])
  await clock.advance(24 * hourMs)
  await meter.flush()
  expect(emulator.events().map(({ eventId: _, ...body }) => body)).toEqual(preview)
  await meter.close()
})

it('close() on a memory store closes the open day and sends it', async () => {
  const meter = connectedMeter()
  meter.record({ identity: { userId: 'ann' }, method: 'GET', route: '/a', statusCode: 200, aborted: false })
  const first = meter.close()
  expect(meter.close()).toBe(first)
  expect(await first).toEqual({
    sent: { lines: 2 },
    kept: { calls: 0, lines: 0 },
    lost: { calls: 0, lines: 0 },
  })
  expect(emulator.events()).toHaveLength(2)
  meter.record({ identity: { userId: 'ann' }, method: 'GET', route: '/a', statusCode: 200, aborted: false })
  expect(meter.stats().calls).toMatchObject({ counted: 1, afterClose: 1 })
})
