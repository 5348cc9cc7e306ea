import express, { type RequestHandler, type Router } from 'express'
import { expect, it, vi } from 'vitest'
import { expressNames, recordingUsage, routerOf } from '../support/express-names.ts'
import { respond } from '../support/in-process.ts'

const ok: RequestHandler = (_req, res) => void res.json({})

it('a router that is put in the place of another one gives its names, as often as that happens', async () => {
  const { usage, calls } = recordingUsage()
  const app = express().use(usage)
  app.use('/fixed', express.Router().get('/r0/:x', ok))
  const at = routerOf(app).stack.length - 1
  const expected: string[] = []
  for (let number = 1; number <= 300; number++) {
    const other = express.Router().use('/fixed', express.Router().get(`/r${number}/:x`, ok))
    routerOf(app).stack.splice(at, 1, (other as unknown as { stack: unknown[] }).stack[0])
    await respond(app, 'GET', `/fixed/r${number}/7`)
    await vi.waitUntil(() => calls.length === number, { interval: 1 })
    expected.push(`/fixed/r${number}/:x`)
  }
  expect(calls.map(({ route }) => route)).toEqual(expected)
})

it('a router that a layer is given in the place of another one gives its names', async () => {
  const { usage, calls } = recordingUsage()
  const app = express().use(usage)
  app.use('/fixed', express.Router().get('/a', ok))
  await respond(app, 'GET', '/fixed/a')
  await vi.waitUntil(() => calls.length === 1, { interval: 1 })
  const layer = routerOf(app).stack.at(-1) as { handle: Router }
  layer.handle = express.Router().get('/b', ok)
  await respond(app, 'GET', '/fixed/b')
  await vi.waitUntil(() => calls.length === 2, { interval: 1 })
  expect(calls.map(({ route }) => route)).toEqual(['/fixed/a', '/fixed/b'])
})

it('routers that are created for the request give the names of their mounts', async () => {
  const expected = {
    '/tenants/t1/orders/5': '/tenants/:tenant/orders/:order',
    '/tenants/t1/shops/s1/items/9': '/tenants/:tenant/shops/:shop/items/:item',
    '/tenants/t2/shops/s2/items/9': '/tenants/:tenant/shops/:shop/items/:item',
  }
  const names = await expressNames((app) => {
    app.use('/tenants/:tenant', (req, res, next) => {
      const router = express.Router({ mergeParams: true }).get('/orders/:order', ok)
      router.use('/shops/:shop', express.Router().get('/items/:item', ok))
      router(req, res, next)
    })
  }, Object.keys(expected))
  expect(names).toEqual(expected)
})

it('routers that are created for a request below an expression give a bounded number of names', async () => {
  const { usage, calls } = recordingUsage()
  const app = express().use(usage)
  app.use('/t', (req, res, next) => {
    const router = express.Router().use(/\/x\d+/, express.Router().get('/leaf', ok))
    router(req, res, next)
  })
  for (let number = 0; number < 1_500; number++) await respond(app, 'GET', `/t/x${number}/leaf`)
  await vi.waitUntil(() => calls.length === 1_500, { interval: 1 })
  expect(new Set(calls.map(({ route }) => route)).size).toBeLessThanOrEqual(1_001)
})
