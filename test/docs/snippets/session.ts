import { pxUsage } from '@px-usage/express'
import express from 'express'
import session from 'express-session'

const app = express()
const usage = pxUsage({
  identify: ({ session }) => session?.user && { userId: session.user.id, accountId: session.user.orgId },
})
app.use(usage)
app.use(session({ secret: 'from your vault', resave: false, saveUninitialized: false }))

// --- the routes of the app
import { expect } from 'vitest'
import { send } from '../../support/http-client.ts'

declare module 'express-session' {
  interface SessionData {
    user: { id: string; orgId: string }
  }
}
app.post('/login', (req, res) => {
  req.session.user = { id: 'ann', orgId: 'acme' }
  res.sendStatus(204)
})
app.get('/orders/:id', (req, res) => void res.json({ id: req.params.id }))
app.post('/logout', (req, res) => req.session.destroy(() => res.sendStatus(204)))

export const listener = app
export const { meter } = usage
export const endpoints = ['/login', '/orders/:id']
export async function callAsAnn(url: string): Promise<void> {
  const login = await send(`${url}/login`, { method: 'POST' })
  const [cookie = ''] = login.headers['set-cookie'] ?? []
  await send(`${url}/orders/7`, { headers: { cookie } })
  expect((await send(`${url}/logout`, { method: 'POST', headers: { cookie } })).status).toBe(204)
  const { anonymous, threw } = meter.stats().calls.unattributed
  expect({ anonymous, threw }).toEqual({ anonymous: 1, threw: 0 })
}
