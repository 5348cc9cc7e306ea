import { createServer } from 'node:http'
import { createMeter, memoryStore, type UsageError } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { pxUsage } from '@px-usage/http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RunningServer, send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

let server: RunningServer
let usage: ReturnType<typeof pxUsage>
const px = inMemoryDelivery()

beforeEach(async () => {
  usage = pxUsage({
    meter: createMeter({ store: memoryStore(), delivery: px.delivery }),
    identify: (req) => ({ userId: String(req.headers['x-user']) }),
    endpoint: (req) => (req.url === '/hello' ? '/hello' : undefined),
    ignore: (req) => req.url === '/health',
    properties: (req) => ({ Category: req.url === '/hello' ? 'greeting' : 'other' }),
  })
  server = await startServer((req, res) => {
    usage(req, res)
    res.end('hello')
  })
})

afterEach(() => server.close())

describe('the listener for node:http', () => {
  it('counts by the name of endpoint(), with properties, and leaves out what is ignored', async () => {
    for (const path of ['/hello', '/hello', '/elsewhere', '/health']) {
      expect((await send(`${server.url}${path}`, { headers: { 'x-user': 'ann' } })).body).toBe('hello')
    }
    await vi.waitFor(() => expect(usage.meter.stats().calls).toMatchObject({ counted: 3, ignored: 1 }))
    await usage.meter.close()
    const endpoints = px.events.filter(({ eventName }) => eventName === 'dailyEndpointCalls')
    expect(
      endpoints.map(({ identifyId, attributes: { endpoint, Category, apiCalls } }) => ({
        identifyId,
        endpoint,
        Category,
        apiCalls,
      })),
    ).toEqual(
      expect.arrayContaining([
        { identifyId: 'ann', endpoint: '/hello', Category: 'greeting', apiCalls: 2 },
        { identifyId: 'ann', endpoint: '(unmatched)', Category: 'other', apiCalls: 1 },
      ]),
    )
    expect(endpoints).toHaveLength(2)
  })

  it('does nothing when it is not enabled, and needs no keys for that', async () => {
    const off = pxUsage({ enabled: false, identify: () => ({ userId: 'ann' }) })
    const plain = createServer((req, res) => {
      off(req, res)
      res.end()
    })
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
    plain.close()
    expect(off.meter.stats().calls.counted).toBe(0)
    await off.meter.close()
  })
})

it('counts a call whose properties() or endpoint() rejects', async () => {
  const later = pxUsage({
    meter: createMeter({ store: memoryStore(), dryRun: true }),
    identify: () => ({ userId: 'ann' }),
    endpoint: (async () => Promise.reject(new Error('async endpoint'))) as never,
    ignore: (async () => Promise.reject(new Error('async ignore'))) as never,
    properties: (async () => Promise.reject(new Error('async properties'))) as never,
  })
  const other = await startServer((req, res) => {
    later(req, res)
    res.end('hello')
  })
  expect((await send(other.url)).body).toBe('hello')
  await vi.waitFor(() => expect(later.meter.stats().calls.counted).toBe(1))
  await later.meter.close()
  await other.close()
})

it('counts calls whose callbacks throw, and reports that at once, then once a minute', async () => {
  const clock = fakeClock('2026-11-23T12:00:00Z')
  const told: UsageError[] = []
  const fail = (name: string) => () => {
    throw new Error(`${name} fails`)
  }
  const failing = pxUsage({
    store: memoryStore(),
    dryRun: true,
    clock,
    onError: (error) => void told.push(error),
    identify: () => ({ userId: 'ann' }),
    endpoint: fail('endpoint'),
    ignore: fail('ignore'),
    properties: fail('properties'),
  })
  const other = await startServer((req, res) => {
    failing(req, res)
    res.end('hello')
  })
  const call = async (times: number) => {
    const before = failing.meter.stats().calls.counted
    for (let i = 0; i < times; i++) expect((await send(other.url)).status).toBe(200)
    await vi.waitFor(() => expect(failing.meter.stats().calls.counted).toBe(before + times))
  }
  await call(3)
  expect(told.map(({ code, cause }) => `${code} ${(cause as Error).message}`)).toEqual([
    'PXU_ERR_ATTRIBUTION_CALLBACK_FAILED endpoint fails',
    'PXU_ERR_ATTRIBUTION_CALLBACK_FAILED ignore fails',
    'PXU_ERR_ATTRIBUTION_CALLBACK_FAILED properties fails',
  ])
  await clock.advance(60_000)
  await call(1)
  expect(told).toHaveLength(6)
  expect(told[3]?.message).toContain('2 more')
  await failing.meter.close()
  await other.close()
})

it('passes the response to the callbacks', async () => {
  const { meter, calls } = recordingMeter()
  const seeing = pxUsage({
    meter,
    identify: () => ({ userId: 'ann' }),
    properties: (_req, res) => ({ type: String(res.getHeader('content-type')) }),
    ignore: (_req, res) => res.statusCode === 404,
  })
  const other = await startServer((req, res) => {
    seeing(req, res)
    res.statusCode = req.url === '/' ? 200 : 404
    res.setHeader('Content-Type', 'text/csv').end('hello')
  })
  for (const path of ['/none', '/', '/none']) await send(`${other.url}${path}`)
  await vi.waitFor(() => expect(calls).toHaveLength(1))
  expect(calls[0]?.properties).toEqual({ type: 'text/csv' })
  await other.close()
})

it.each([
  ['long', 'n'.repeat(2_000)],
  ['not well-formed', '/a\ud800'],
])('shortens a name of endpoint() that is too %s to a stable form of its own', async (_about, name) => {
  const { meter, calls } = recordingMeter()
  const naming = pxUsage({
    meter,
    identify: () => ({ userId: 'ann' }),
    endpoint: (req) => `${name}${req.url === '/' ? '' : req.url}`,
  })
  const other = await startServer((req, res) => {
    naming(req, res)
    res.end()
  })
  for (const path of ['/', '/', '/x']) await send(`${other.url}${path}`)
  await vi.waitFor(() => expect(calls).toHaveLength(3))
  const routes = calls.map(({ route = '' }) => route)
  expect(routes[1]).toBe(routes[0])
  expect(routes[2]).not.toBe(routes[0])
  expect(routes.every((route) => route.length <= 1_024 && route.isWellFormed())).toBe(true)
  await other.close()
})
