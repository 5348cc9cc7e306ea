import {
  identifyBy,
  type Meter,
  memoryStore,
  pxUsage,
  UsageError,
  type UsageOptions,
} from '@px-usage/express'
import { fakeClock, inMemoryDelivery } from '@px-usage/express/testing'
import express from 'express'

declare global {
  namespace Express {
    interface Request {
      user?: { id: string; orgId?: string }
    }
  }
}

const app = express()
const usage = pxUsage({
  identify: (req) => req.user && { userId: req.user.id, accountId: req.user.orgId },
  properties: (req, res) => ({ plan: String(res.locals.plan), host: req.hostname }),
  ignore: ['GET /health'],
  onError: (error) => console.error(error.code, error instanceof UsageError),
})
app.use(usage)

const options: UsageOptions<express.Request> = {
  identify: identifyBy({
    credential: (req) => req.get('x-api-key'),
    lookup: async (key) => ({ userId: key }),
  }),
  store: memoryStore(),
  clock: fakeClock('2026-11-23T10:00:00Z'),
  delivery: inMemoryDelivery().delivery,
  timeZone: undefined,
}
app.use('/v1', pxUsage(options))

export const meter: Meter = usage.meter

// @ts-expect-error -- a misspelled option
pxUsage({ identify: () => null, regoin: 'eu' })
