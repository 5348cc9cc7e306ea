import { pxUsage } from '@px-usage/express'
import { redisStore } from '@px-usage/redis'
import express from 'express'
import serverless from 'serverless-http'

const app = express()
const usage = pxUsage({ identify, store: redisStore({ sendCommand }) })
app.use(usage)
const handle = serverless(app)

export async function handler(event: object, context: object) {
  const response = await handle(event, context)
  await usage.meter.flush() // stores the counts before the host freezes the process
  return response
}

// --- Redis, what the app knows of its callers, and a route
import { expect } from 'vitest'
import { redis, sendCommand } from '../../support/connected-redis.ts'

function identify(req: express.Request) {
  return { userId: String(req.get('x-user')) }
}
app.get('/orders/:id', (req, res) => void res.json({ id: req.params.id }))

const path = '/orders/7'
const request = { rawPath: path, requestContext: { http: { method: 'GET', path } } }
const event = { version: '2.0', rawQueryString: '', headers: { 'x-user': 'ann' }, ...request }
expect(await handler(event, {})).toMatchObject({ statusCode: 200, body: '{"id":"7"}' })
expect(usage.meter.stats().calls).toMatchObject({ counted: 1, stored: 1, inMemory: 0 })
await usage.meter.close()
// Other apps of these tests count in the same Redis.
await redis.flushAll()
redis.destroy()
