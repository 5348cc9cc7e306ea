import type { AddressInfo } from 'node:net'
import { pxUsage } from '@px-usage/express'
import { redisStore } from '@px-usage/redis'
import express from 'express'
import { createClient } from 'redis'
import { fleetClock } from './fleet-clock.ts'

// One process of the fleet. Its environment has PX_API_KEY, PX_PRODUCT_KEY and REDIS_URL.
const redis = createClient({ url: process.env.REDIS_URL ?? '', disableOfflineQueue: true })
redis.on('error', (error) => console.error(error.message))
await redis.connect()

const usage = pxUsage({
  // Callers send their ids in headers; a real API would read them from a session.
  identify: (req) => ({ userId: req.get('x-user') ?? 'guest', accountId: req.get('x-account') }),
  store: redisStore({ sendCommand: (args) => redis.sendCommand(args) }),
  // For the short days of this example. Your fleet needs none of these options: without `clock`, the time of Redis decides.
  clock: fleetClock(Number(process.env.FLEET_STARTED_AT), Number(process.env.FLEET_DAY_MS)),
  graceMs: 30_000,
  startJitterMs: 0,
  requestTimeoutMs: 60_000,
})

const app = express()
app.use(usage)
app.get('/orders/:id', (req, res) => {
  // The day is for start.ts, which compares what PX has with what was called.
  res.json({ id: req.params.id, day: usage.meter.stats().day })
})

const server = app.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))

// Finishes the requests in progress, stores their counts in Redis, and lets the process end.
process.once('SIGTERM', () => {
  server.close(async () => {
    const { lost } = await usage.meter.close({ timeoutMs: 60_000 })
    if (lost.calls > 0) console.error(`${lost.calls} calls are lost.`)
    redis.destroy()
  })
})
