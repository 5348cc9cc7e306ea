import { pxUsage } from '@px-usage/express'
import { initTRPC } from '@trpc/server'
import { type CreateExpressContextOptions, createExpressMiddleware } from '@trpc/server/adapters/express'
import express from 'express'

const t = initTRPC.context<CreateExpressContextOptions>().create()
const procedure = t.procedure.use(({ ctx, path, next }) => {
  ctx.res.locals.procedure = path
  return next()
})
const router = t.router({ orders: procedure.query(() => ['7', '8']) })

const app = express()
const usage = pxUsage({ identify, endpoint: (req) => req.res?.locals.procedure })
app.use(usage)
app.use('/trpc', createExpressMiddleware({ router, createContext: (options) => options }))

// --- what the app knows of its callers
import { expect } from 'vitest'
import { send } from '../../support/http-client.ts'

function identify(req: express.Request) {
  return { userId: String(req.get('x-user')) }
}

export const listener = app
export const { meter } = usage
export const endpoints = ['orders', '(unmatched)']
export async function callAsAnn(url: string): Promise<void> {
  const headers = { 'x-user': 'ann' }
  expect((await send(`${url}/trpc/orders`, { headers })).status).toBe(200)
  expect((await send(`${url}/trpc/orders,orders?batch=1`, { headers })).status).toBe(200)
  expect((await send(`${url}/trpc/made_up`, { headers })).status).toBe(404)
  expect((await meter.preview())[0]?.attributes.apiCalls).toBe(3)
}
