import { pxUsage } from '@px-usage/express'
import { redisStore } from '@px-usage/redis'
import express from 'express'
import { Redis } from 'ioredis'

const redis = new Redis(process.env.REDIS_URL ?? '', { enableOfflineQueue: false, maxRetriesPerRequest: 0 })
redis.on('error', (error) => console.error(error.message))

const app = express()
const usage = pxUsage({
  identify: (req) => req.user && { userId: req.user.id },
  store: redisStore({ sendCommand: ([command = '', ...args]) => redis.call(command, ...args) }),
})
app.use(usage)

// --- what any app has: an authentication and a response
app.use((req, res) => {
  req.user = { id: 'ann', orgId: 'acme' }
  res.send('hello')
})

export const listener = app
export const meter = {
  ...usage.meter,
  async close() {
    const report = await usage.meter.close()
    redis.disconnect()
    return report
  },
}
