import { pxUsage } from '@px-usage/express'
import { redisStore } from '@px-usage/redis'
import express from 'express'
import { createClient } from 'redis'

const redis = createClient({ url: process.env.REDIS_URL ?? '', disableOfflineQueue: true })
redis.on('error', (error) => console.error(error.message))
await redis.connect()

const app = express()
const usage = pxUsage({
  identify: (req) => req.user && { userId: req.user.id },
  store: redisStore({ sendCommand: (args) => redis.sendCommand(args) }),
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
    redis.destroy()
    return report
  },
}
