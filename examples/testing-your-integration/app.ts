import { type Meter, pxUsage } from '@px-usage/express'
import express from 'express'

/** A real API would read its keys from a database. */
const users = new Map([['key-of-ann', { userId: 'ann', accountId: 'acme' }]])

/** Creates the API. It gets its meter, so that a test can give it one of its own. */
export function createApp(meter: Meter) {
  const app = express()
  app.use(pxUsage({ meter, identify: (req) => users.get(req.get('x-api-key') ?? '') }))
  app.use((req, res, next) => {
    if (users.has(req.get('x-api-key') ?? '')) next()
    else res.status(401).json({ error: 'unknown key' })
  })
  app.get('/orders/:id', (req, res) => void res.json({ id: req.params.id }))
  return app
}
