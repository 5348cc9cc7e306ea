import { createRequire } from 'node:module'
import { pxUsage } from '@px-usage/koa'
import Koa, { type Context, type Middleware, type Next } from 'koa'
import { describe, expect, inject, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const load = createRequire(import.meta.url)
const mount = load('koa-mount') as (prefix: string, app: Koa | Middleware) => Middleware

interface Router {
  get(...args: unknown[]): Router
  post(...args: unknown[]): Router
  all(...args: unknown[]): Router
  use(...args: unknown[]): Router
  routes(): Middleware
  allowedMethods(options?: object): Middleware
}
type RouterClass = new (options?: object) => Router

/** A route that says its own template, so that no expectation has to be written down. */
const route = (ctx: Context, template: string) => {
  ctx.body = template
}
const says = (template: string) => (ctx: Context) => route(ctx, template)
const pass = (_ctx: Context, next: Next) => next()
const guard = (ctx: Context, next: Next) => (ctx.query.refuse ? ctx.throw(401) : next())

function build(app: Koa, R: RouterClass): void {
  const child = new R().get('/test/:demo', says('/v1/child/:c/test/:demo'))
  const router = new R({ prefix: '/v1' })
    .use(guard)
    .get('/users/:id', says('/v1/users/:id'))
    .all('/users/:any', says('never'))
    .get('/:kind/:id', says('/v1/:kind/:id'))
    .use('/child/:c', child.routes(), child.allowedMethods())
  app.use(router.routes()).use(router.allowedMethods())

  // Guards at the very path of a route, in routers of which only one has the method.
  app.use(new R().use('/same', pass).post('/same', says('/same')).routes())
  app.use(new R().use('/same', guard).get('/same', says('/same')).routes())

  const passing = new R().get('/passed/:first', pass).get('/passed/:second', says('/passed/:second'))
  app.use(passing.get('/kept/:k', says('/kept/:k')).get('/', says('/')).routes())
  app.use(mount('/mounted', new R({ prefix: '/p' }).get('/', says('/mounted/p')).routes()))
  const fails = new R().get('/fails/:f', (ctx: Context) => ctx.throw(500)).get('/404/:x', () => {})
  app.use(fails.routes()).use(fails.allowedMethods())
}

const matching = [
  '/v1/users/1',
  '/v1/teams/1',
  '/v1/child/1/test/2',
  '/same',
  'POST /same',
  '/passed/1',
  '/kept/1',
  '/mounted/p',
  '/',
]
const refused = [
  '/v1/none',
  '/none',
  '/v1/users/1?refuse=1',
  '/v1/child/1/test/2?refuse=1',
  '/same?refuse=1',
  'DELETE /v1/teams/1',
  'PROPFIND /v1/teams/1',
]

const routers = [
  'koa-router-7.2',
  'koa-router-7',
  'koa-at-router-8',
  'koa-at-router-9',
  'koa-router-10',
  'koa-at-router-10',
  'koa-at-router-11',
]

describe.each(routers)(`%s on ${inject('framework')}`, (alias) => {
  const Router = load(alias) as RouterClass

  it('names the route that responded, and gives refused calls none', async () => {
    const { meter, calls } = recordingMeter()
    const app = new Koa()
    app.silent = true
    app.use(pxUsage({ meter, identify: () => ({ userId: 'ann' }), ignore: [] }))
    build(app, Router)
    const server = await startServer(app.callback())
    const ask = async (request: string) => {
      const [method = '', path = ''] = request.startsWith('/') ? ['GET', request] : request.split(' ')
      const before = calls.length
      const { body } = await send(server.url, { method, path })
      await vi.waitUntil(() => calls.length > before, { interval: 1 })
      return { body, route: calls[before]?.route }
    }
    for (const request of matching) {
      const { body, route } = await ask(request)
      expect([request, route]).toEqual([request, body])
    }
    for (const request of refused) expect([request, (await ask(request)).route]).toEqual([request, undefined])
    expect((await ask('/fails/1')).route).toBe('/fails/:f')
    expect((await ask('/404/1')).route).toBe('/404/:x')
    await server.close()
  })
})
