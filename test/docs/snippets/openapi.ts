import { openapiOperation, pxUsage } from '@px-usage/express'
import express from 'express'
import { middleware as validate } from 'express-openapi-validator'

const app = express()
const usage = pxUsage({ identify, endpoint: openapiOperation(apiSpec) })
app.use(usage)
app.use(validate({ apiSpec }))

// --- the document, what the app knows of its callers, and its routes
import { expect } from 'vitest'
import { send } from '../../support/http-client.ts'
import { apiSpec } from '../../support/orders-api.ts'

function identify(req: express.Request) {
  return { userId: String(req.get('x-user')) }
}
app.get('/v1/orders/:id', (req, res) => void res.json({ id: req.params.id }))
app.use(((error, _req, res, _next) => void res.sendStatus(error.status)) as express.ErrorRequestHandler)

export const listener = app
export const { meter } = usage
export const endpoints = ['getOrder', '(unmatched)']
export async function callAsAnn(url: string): Promise<void> {
  const headers = { 'x-user': 'ann' }
  expect((await send(`${url}/v1/orders/7`, { headers })).status).toBe(200)
  expect((await send(`${url}/v1/orders/seven`, { headers })).status).toBe(400)
  expect((await send(`${url}/v1/nothing`, { headers })).status).toBe(404)
}
