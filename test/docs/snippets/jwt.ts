import { pxUsage } from '@px-usage/express'
import express from 'express'
import { expressjwt, type Request } from 'express-jwt'

const app = express()
const usage = pxUsage({
  identify: ({ auth }: Request) => auth?.sub && { userId: auth.sub, accountId: auth.org },
})
app.use(usage)
app.use(expressjwt({ secret: readSecret, algorithms: ['HS256'] }))

// --- the secret of the app, its routes, and an error handler
import jwt from 'jsonwebtoken'
import { expect } from 'vitest'
import { send } from '../../support/http-client.ts'

const secret = 'a secret of the app'
async function readSecret(): Promise<string> {
  return secret
}
app.get('/orders/:id', (req, res) => void res.json({ id: req.params.id }))
app.use(((error, _req, res, _next) => void res.sendStatus(error.status)) as express.ErrorRequestHandler)

export const listener = app
export const { meter } = usage
export const endpoints = ['/orders/:id']
export async function callAsAnn(url: string): Promise<void> {
  expect((await send(`${url}/orders/7`)).status).toBe(401)
  const authorization = `Bearer ${jwt.sign({ sub: 'ann', org: 'acme' }, secret)}`
  expect((await send(`${url}/orders/7`, { headers: { authorization } })).status).toBe(200)
  expect(meter.stats().calls.unattributed.anonymous).toBe(1)
}
