import { pxUsage } from '@px-usage/express'
import express from 'express'

/** Creates a small API. Callers send their ids in headers; a real API would read them from a session. */
export function createApp(options: Partial<Parameters<typeof pxUsage>[0]> = {}) {
  const app = express()
  const usage = pxUsage({
    identify: (req) => {
      const userId = req.get('x-user')
      return userId === undefined ? undefined : { userId, accountId: req.get('x-account') }
    },
    ...options,
  })
  app.use(usage)

  const orders = express.Router()
  orders.get('/', (_req, res) => void res.json({ orders: [] }))
  orders.get('/:id', (req, res) => void res.json({ id: req.params.id }))
  orders.post('/', (_req, res) => void res.status(201).json({ id: 'new' }))
  app.use('/v1/orders', orders)

  app.get('/v1/reports/:year', (req, res) => {
    // Long enough that the demo's clients abort this request.
    setTimeout(() => res.json({ year: req.params.year }), 200)
  })
  app.get('/v1/broken', () => {
    throw new Error('This endpoint always fails.')
  })
  app.use(
    ((_error, _req, res, _next) =>
      void res.status(500).json({ error: 'internal' })) as express.ErrorRequestHandler,
  )
  return { app, meter: usage.meter }
}
