import { pxUsage } from '@px-usage/express'
import express from 'express'
import passport from 'passport'

const app = express()
const usage = pxUsage({
  identify: (req) => req.user && { userId: req.user.id, accountId: req.user.orgId },
})
app.use(usage)
app.use(passport.authenticate('bearer', { session: false }))

// --- the strategy of the app, and its routes
import { Strategy } from 'passport-http-bearer'
import { expect } from 'vitest'
import { send } from '../../support/http-client.ts'

passport.use(
  new Strategy((token, done) => done(null, token === 'token-of-ann' && { id: 'ann', orgId: 'acme' })),
)
app.get('/orders/:id', (req, res) => void res.json({ id: req.params.id }))

export const listener = app
export const { meter } = usage
export const endpoints = ['/orders/:id']
export async function callAsAnn(url: string): Promise<void> {
  const refused = await send(`${url}/orders/7`, { headers: { authorization: 'Bearer old-token' } })
  expect(refused.status).toBe(401)
  const allowed = await send(`${url}/orders/7`, { headers: { authorization: 'Bearer token-of-ann' } })
  expect(allowed.status).toBe(200)
  expect(meter.stats().calls.unattributed.anonymous).toBe(1)
}
