import { createRequire } from 'node:module'
import { pxUsage } from '@px-usage/koa'
import Koa, { type Context, type Next } from 'koa'
import { expect, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const load = createRequire(import.meta.url)
const { Router } = load('koa-at-router-15')

const answer = (ctx: Context) => {
  ctx.body = 'second'
}
const guard = (ctx: Context, next: Next) => (ctx.body === undefined ? next() : undefined)

async function nameOf(path: string): Promise<string | undefined> {
  const { meter, calls } = recordingMeter()
  const app = new Koa()
  app.silent = true
  app.use(pxUsage({ meter, identify: () => ({ userId: 'ann' }) }))
  const responds = (work: (ctx: Context) => unknown) => async (ctx: Context, next: Next) => {
    await work(ctx)
    await next()
  }
  const router = new Router()
  router.get(
    '/body/first',
    responds((ctx) => (ctx.body = { is: 'first' })),
  )
  router.get(
    '/text/first',
    responds((ctx) => (ctx.body = 'first')),
  )
  router.get(
    '/missing/first',
    responds((ctx) => (ctx.status = 404)),
  )
  router.get(
    '/empty/first',
    responds((ctx) => (ctx.status = 204)),
  )
  router.get(
    '/status/first',
    responds((ctx) => (ctx.status = 200)),
  )
  router.get(
    '/raw/first',
    responds((ctx) => ctx.res.end('first')),
  )
  router.get(
    '/replaced/first',
    responds((ctx) => (ctx.body = 'first')),
  )
  router.get(
    '/failed/first',
    responds((ctx) => (ctx.body = 'first')),
  )
  router.get('/passed/first', (_ctx: Context, next: Next) => next())
  // Actions of routing-controllers run once for a request, and look whether one has.
  for (const kind of ['body', 'text', 'empty', 'passed']) router.get(`/${kind}/:id`, guard, answer)
  router.get('/missing/:id', (ctx: Context) => (ctx.status === 404 ? undefined : answer(ctx)))
  router
    .get('/raw/:id', () => {})
    .get('/status/:id', answer)
    .get('/replaced/:id', answer)
  router.get('/failed/:id', (ctx: Context) => ctx.throw(500))
  app.use(router.routes()).use(router.allowedMethods())
  const server = await startServer(app.callback())
  await send(`${server.url}${path}`)
  await vi.waitFor(() => expect(calls).toHaveLength(1))
  await server.close()
  return calls[0]?.route
}

it.each(['/body/first', '/text/first', '/missing/first', '/empty/first', '/raw/first'])(
  'the route that responded names a call to %s, not the one behind it',
  async (path) => expect(await nameOf(path)).toBe(path),
)

it.each(['/status/first', '/replaced/first', '/failed/first', '/passed/first'])(
  'the last route names a call to %s, which it responded to itself',
  async (path) => expect(await nameOf(path)).toBe(path.replace('first', ':id')),
)
