import { pxUsage } from '@px-usage/express'
import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'

const app = express()
const usage = pxUsage({
  identify,
  endpoint: (req) => (req.baseUrl === '/inventory' ? '/inventory/*' : undefined),
})
app.use(usage)
app.use('/inventory', createProxyMiddleware({ target: inventory.url }))

// --- the service behind the proxy, what the app knows of its callers, and a route
import { expect } from 'vitest'
import { send } from '../../support/http-client.ts'
import { inventory } from '../../support/inventory-service.ts'

function identify(req: express.Request) {
  return { userId: String(req.get('x-user')) }
}
app.get('/orders/:id', (req, res) => void res.json({ id: req.params.id }))

export const listener = app
export const { meter } = usage
export const endpoints = ['/inventory/*', '/orders/:id']
export async function callAsAnn(url: string): Promise<void> {
  const headers = { 'x-user': 'ann' }
  expect((await send(`${url}/inventory/items/7`, { headers })).body).toBe('item of /items/7')
  expect((await send(`${url}/orders/7`, { headers })).status).toBe(200)
}
