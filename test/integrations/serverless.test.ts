import { createMeter, type IdentityInput, memoryStore, pxUsage } from '@px-usage/express'
import express from 'express'
import serverless from 'serverless-http'
import { expect, it, vi } from 'vitest'

const path = '/orders/7'
const request = { rawPath: path, requestContext: { http: { method: 'GET', path } } }
const event = { version: '2.0', rawQueryString: '', headers: { host: 'localhost' }, ...request }

function createFunction(identify: () => IdentityInput | Promise<IdentityInput>) {
  const meter = createMeter({ dryRun: true, store: memoryStore() })
  const app = express()
  app.use(pxUsage({ meter, identify }))
  app.get('/orders/:id', (req, res) => void res.json({ id: req.params.id }))
  const handle = serverless(app)
  return { meter, handler: () => handle(event, {}) }
}

it('flush() after the response of a function stores its call', async () => {
  const { meter, handler } = createFunction(() => ({ userId: 'ann' }))
  for (let calls = 1; calls <= 3; calls++) {
    expect(await handler()).toMatchObject({ statusCode: 200 })
    await meter.flush()
    expect(meter.stats().calls).toMatchObject({ counted: calls, stored: calls, inMemory: 0 })
  }
  await meter.close()
})

it('flush() does not wait for an identity that the app still looks up', async () => {
  let found: (identity: IdentityInput) => void = () => {}
  const { meter, handler } = createFunction(() => new Promise((resolve) => (found = resolve)))
  await handler()
  await meter.flush()
  expect(meter.stats().calls).toMatchObject({ counted: 0, stored: 0 })
  found({ userId: 'ann' })
  await vi.waitFor(() => expect(meter.stats().calls.counted).toBe(1))
  await meter.close()
})
