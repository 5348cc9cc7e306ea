import { createServer } from 'node:http'
import { createMeter, memoryStore } from '@px-usage/core'
import { inMemoryDelivery } from '@px-usage/core/testing'
import { pxUsage } from '@px-usage/http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RunningServer, send, startServer } from '../support/http-client.ts'

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
  it('counts by the name that endpoint() gives, with the properties of the call, and leaves out what is ignored', async () => {
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

it('a properties() or endpoint() that rejects harms nobody, and the call is counted', async () => {
  const later = pxUsage({
    meter: createMeter({ store: memoryStore(), dryRun: true }),
    identify: () => ({ userId: 'ann' }),
    endpoint: (async () => Promise.reject(new Error('async endpoint'))) as never,
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
