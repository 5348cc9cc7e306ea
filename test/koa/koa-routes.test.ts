import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pxUsage } from '@px-usage/koa'
import Koa, { type Context, type Next } from 'koa'
import { describe, expect, inject, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const load = createRequire(import.meta.url)
const mount = load('koa-mount') as (
  prefix: string,
  app: { middleware: unknown[] } | Koa.Middleware,
) => Koa.Middleware
const koaRoute = load('koa-route') as {
  get(path: string, handler: (ctx: Context, ...params: string[]) => unknown): Koa.Middleware
}

/** Just what the table uses of @koa/router, whose types differ from major to major. */
interface Router {
  get(path: string | RegExp | string[], ...handlers: unknown[]): Router
  post(path: string, ...handlers: unknown[]): Router
  all(path: string, ...handlers: unknown[]): Router
  use(...handlers: unknown[]): Router
  param(name: string, handler: unknown): Router
  prefix(path: string): Router
  redirect(from: string, to: string): Router
  routes(): Koa.Middleware
  allowedMethods(options?: { throw?: boolean }): Koa.Middleware
}
type RouterClass = new (options?: { prefix?: string; exclusive?: boolean; strict?: boolean }) => Router

const answer = (ctx: Context) => {
  ctx.body = 'ok'
}
const pass = (_ctx: Context, next: Next) => next()
const refuse = (ctx: Context) => {
  ctx.status = 401
}

type Build = (app: Koa, Router: RouterClass) => void
type Expected = Record<string, string | undefined>
/** What it is about, the routers (0: those before path-to-regexp 8), the app, and the name of each call. */
type Case = [about: string, build: Build, expected: Expected]

/** A router with everything below `/v1`, for the cases about what is around it. */
function small(Router: RouterClass, options: { prefix?: string } = {}): Router {
  return new Router(options).get('/', answer).get('/users', answer).get('/users/:id', answer)
}

const cases: Case[] = [
  [
    'plain routes',
    (app, Router) => app.use(small(Router).post('/users', answer).routes()),
    {
      'GET /': '/',
      'GET /users': '/users',
      'POST /users': '/users',
      'GET /users/7': '/users/:id',
      'HEAD /users/7': '/users/:id',
      'GET /users/7/': '/users/:id',
      'GET /USERS/7': '/users/:id',
      'GET /users/7?x=/users': '/users/:id',
      'GET /users/users': '/users/:id',
      'GET /users/%2Fa%20b': '/users/:id',
      'GET /users/$&': '/users/:id',
      'GET /users/7/no': undefined,
      'GET /none': undefined,
    },
  ],
  [
    'a static route beside one with a param',
    (app, Router) => {
      const router = new Router().get('/users/me', answer).get('/users/:id', answer)
      app.use(router.routes())
    },
    { 'GET /users/me': '/users/me', 'GET /users/7': '/users/:id' },
  ],
  [
    'a route that hands over to the next one',
    (app, Router) => {
      const router = new Router().get('/users/me', pass).get('/users/:id', answer)
      app.use(router.routes())
    },
    { 'GET /users/me': '/users/:id' },
  ],
  [
    'a route before which another of the same path ran',
    (app, Router) => app.use(new Router().all('/a/:x', pass).get('/a/:y', answer).routes()),
    { 'GET /a/1': '/a/:y' },
  ],
  [
    'a prefix',
    (app, Router) => app.use(small(Router, { prefix: '/v2' }).routes()),
    { 'GET /v2': '/v2', 'GET /v2/users/7': '/v2/users/:id', 'GET /users/7': undefined },
  ],
  [
    'a prefix with a param',
    (app, Router) => app.use(small(Router, { prefix: '/tenants/:tid' }).routes()),
    { 'GET /tenants/42/users/42': '/tenants/:tid/users/:id', 'GET /tenants/42': '/tenants/:tid' },
  ],
  [
    'a prefix given later',
    (app, Router) => app.use(small(Router).prefix('/late').routes()),
    { 'GET /late/users/7': '/late/users/:id' },
  ],
  [
    'nested routers',
    (app, Router) => {
      const items = new Router().get('/:iid', answer).get('/', answer)
      const projects = new Router({ prefix: '/projects' })
        .get('/:pid', answer)
        .use('/:pid/items', items.routes(), items.allowedMethods())
      app.use(new Router({ prefix: '/v1' }).use(projects.routes()).routes())
    },
    {
      'GET /v1/projects/1': '/v1/projects/:pid',
      'GET /v1/projects/1/items': '/v1/projects/:pid/items',
      'GET /v1/projects/1/items/1': '/v1/projects/:pid/items/:iid',
    },
  ],
  [
    'one router at two places',
    (app, Router) => {
      const users = small(Router)
      app.use(new Router().use('/a', users.routes()).use('/b', users.routes()).routes())
    },
    { 'GET /a/users/7': '/a/users/:id', 'GET /b/users/7': '/b/users/:id' },
  ],
  [
    'several routers',
    (app, Router) => {
      app.use(new Router().get('/a/:x', answer).post('/c', answer).routes())
      app.use(new Router().get('/b/:y', answer).get('/c', answer).routes())
    },
    { 'GET /a/1': '/a/:x', 'GET /b/1': '/b/:y', 'GET /c': '/c', 'GET /d': undefined },
  ],
  [
    'a router that passes on to another',
    (app, Router) => {
      app.use(new Router().get('/:any', pass).routes())
      app.use(new Router().get('/b', answer).routes())
    },
    { 'GET /b': '/b', 'GET /a': '/:any' },
  ],
  [
    'paths in a list',
    (app, Router) => app.use(new Router().get(['/a/:x', '/b/:y'], answer).routes()),
    { 'GET /a/1': '/a/:x', 'GET /b/1': '/b/:y' },
  ],
  [
    'a RegExp',
    (app, Router) => app.use(new Router().get(/^\/files\/(.+)$/, answer).routes()),
    { 'GET /files/a/b.txt': '/^\\/files\\/(.+)$/', 'GET /files/c': '/^\\/files\\/(.+)$/' },
  ],
  [
    'a redirect',
    (app, Router) => app.use(new Router().redirect('/old', '/new').routes()),
    { 'GET /old': '/old', 'GET /new': undefined },
  ],
  [
    'methods that are not allowed, answered as 405 and 501',
    (app, Router) => {
      const router = new Router().get('/users', answer)
      app.use(router.routes()).use(router.allowedMethods())
    },
    { 'POST /users': undefined, 'PROPFIND /users': undefined, 'GET /users': '/users' },
  ],
  [
    'methods that are not allowed, thrown',
    (app, Router) => {
      const router = new Router().get('/users', answer)
      app.use(router.routes()).use(router.allowedMethods({ throw: true }))
    },
    { 'POST /users': undefined },
  ],
  [
    'a guard for all routes that answers by itself',
    (app, Router) => app.use(new Router().use(refuse).get('/users/:id', answer).routes()),
    { 'GET /users/7': undefined },
  ],
  [
    'a guard at a path',
    (app, Router) => {
      app.use(new Router().use('/users', refuse).get('/users/:id', answer).get('/open', answer).routes())
    },
    { 'GET /users/7': undefined, 'GET /open': '/open' },
  ],
  [
    'a guard at the very path of the route',
    (app, Router) => {
      const guard = (ctx: Context, next: Next) => (ctx.query.key === '1' ? next() : refuse(ctx))
      app.use(new Router().use('/users', guard).get('/users', answer).routes())
    },
    { 'GET /users': undefined, 'GET /users?key=1': '/users' },
  ],
  [
    'a guard in front of a nested router',
    (app, Router) => {
      const guard = (ctx: Context, next: Next) => (ctx.query.key === '1' ? next() : refuse(ctx))
      app.use(new Router().use('/orders', guard, small(Router).routes()).routes())
    },
    {
      'GET /orders': undefined,
      'GET /orders?key=1': '/orders',
      'GET /orders/users/7': undefined,
      'GET /orders/users/7?key=1': '/orders/users/:id',
    },
  ],
  [
    'a guard at the path of a route in a later router, when an earlier one has both without the method',
    (app, Router) => {
      app.use(new Router().use('/x', pass).post('/x', answer).routes())
      app.use(new Router().use('/x', pass).get('/x', answer).routes())
    },
    { 'GET /x': '/x', 'POST /x': '/x' },
  ],
  [
    'a guard that throws',
    (app, Router) => {
      const router = new Router()
      app.use(
        router
          .use((ctx: Context) => ctx.throw(403))
          .get('/a', answer)
          .routes(),
      )
    },
    { 'GET /a': undefined },
  ],
  [
    'a guard of the route itself',
    (app, Router) => app.use(new Router().get('/users/:id', refuse, answer).routes()),
    { 'GET /users/7': '/users/:id' },
  ],
  [
    'middleware after the route',
    (app, Router) => app.use(new Router().get('/a', pass).use('/a', answer).routes()),
    { 'GET /a': '/a' },
  ],
  [
    'an exclusive router, with a guard at the path of its route',
    (app, Router) => {
      app.use(new Router({ exclusive: true }).use('/a', refuse).get('/a', answer).routes())
    },
    { 'GET /a': '/a' },
  ],
  [
    'a param handler that answers',
    (app, Router) => {
      const router = new Router().param('id', (id: string, ctx: Context, next: Next) =>
        id === '7' ? next() : refuse(ctx),
      )
      app.use(router.get('/users/:id', answer).routes())
    },
    { 'GET /users/7': '/users/:id', 'GET /users/8': '/users/:id' },
  ],
  [
    'errors',
    (app, Router) => {
      const router = new Router()
        .get('/teapot/:id', (ctx: Context) => ctx.throw(418))
        .get('/sync', () => {
          throw new Error('sync')
        })
        .get('/later', async () => {
          await null
          throw new Error('later')
        })
      app.use(new Router().use('/e', router.routes()).routes())
    },
    { 'GET /e/teapot/1': '/e/teapot/:id', 'GET /e/sync': '/e/sync', 'GET /e/later': '/e/later' },
  ],
  [
    'a response that bypasses Koa',
    (app, Router) => {
      const bypass = (ctx: Context) => {
        ctx.respond = false
        ctx.res.end('raw')
      }
      app.use(new Router().get('/raw/:id', bypass).routes())
    },
    { 'GET /raw/1': '/raw/:id' },
  ],
  [
    'a route that answers nothing',
    (app, Router) => app.use(new Router().get('/users/:id', () => {}).routes()),
    { 'GET /users/7': '/users/:id' },
  ],
  [
    'a mounted router',
    (app, Router) => app.use(mount('/api', small(Router).routes())),
    {
      'GET /api': '/api',
      'GET /api/': '/api',
      'GET /api/users/7': '/api/users/:id',
      'GET /api/none': undefined,
      'GET /users/7': undefined,
      'GET /apix/users/7': undefined,
    },
  ],
  [
    'a mounted app, and a mount in it',
    (app, Router) => {
      const inner = new Koa().use(mount('/inner', small(Router).routes()))
      app.use(mount('/outer', inner.use(small(Router).routes())))
    },
    { 'GET /outer/inner/users/7': '/outer/inner/users/:id', 'GET /outer/users/7': '/outer/users/:id' },
  ],
  [
    'a mounted app without a router',
    (app) => app.use(mount('/plain', new Koa().use(answer))),
    { 'GET /plain/users/7': undefined },
  ],
  [
    'mounts that are entered and left again',
    (app, Router) => {
      app.use(mount('/a', new Koa().use(pass)))
      app.use(mount('/a', mount('/a', pass)))
      app.use(mount('/a', small(Router).get('/a/:x', answer).routes()))
      app.use(small(Router).get('/a/b/c/:d', answer).routes())
    },
    {
      'GET /a/users/7': '/a/users/:id',
      'GET /a/a/7': '/a/a/:x',
      'GET /a/b/c/7': '/a/b/c/:d',
      'GET /users/7': '/users/:id',
    },
  ],
  [
    'a mount whose name comes again in the path',
    (app, Router) => app.use(mount('/users', small(Router).routes())),
    { 'GET /users/users/users': '/users/users/:id', 'GET /users/users': '/users/users' },
  ],
  [
    'a mounted RegExp',
    (app, Router) => app.use(mount('/api', new Router().get(/^\/f\/\d+$/, answer).routes())),
    { 'GET /api/f/1': '/api/^\\/f\\/\\d+$/' },
  ],
  [
    'a router with a prefix under a path that the app takes a tenant off',
    (app, Router) => {
      app.use((ctx, next) => {
        ctx.path = ctx.path.replace(/^\/t\/[^/]+/, '')
        return next()
      })
      app.use(mount('/api', small(Router).routes()))
    },
    { 'GET /t/acme/api/users/7': '/api/users/:id', 'GET /t/corp/api/users': '/api/users' },
  ],
  [
    'routes added after traffic began',
    (app, Router) => {
      const router = new Router().get('/first', answer)
      router.get('/add', (ctx: Context) => {
        router.get('/added/:id', answer)
        answer(ctx)
      })
      app.use(router.routes())
    },
    { 'GET /added/1': undefined, 'GET /add': '/add', 'GET /added/2': '/added/:id', 'GET /first': '/first' },
  ],
  [
    'an app that has things of its own on app.context',
    (app, Router) => {
      Object.assign(app.context, { router: 'mine', routerPath: 'default' })
      app.use(async (ctx, next) => {
        expect(ctx.routerPath).toBe('default')
        await next()
        expect(ctx.routerPath).toBe('/a/:x')
      })
      app.use(new Router().get('/a/:x', answer).routes())
    },
    { 'GET /a/1': '/a/:x', 'GET /a/2': '/a/:x' },
  ],
  [
    'koa-route',
    (app) => {
      app.use(koaRoute.get('/pets/:id', answer))
      app.use(mount('/zoo', new Koa().use(koaRoute.get('/pets/:id', answer))))
    },
    { 'GET /pets/7': '/pets/:id', 'GET /zoo/pets/7': '/zoo/pets/:id', 'GET /zoo': undefined },
  ],
]

/** The dialect of path-to-regexp 6: @koa/router 12 and 13, koa-router 12 and 13. */
const olderCases: Case[] = [
  [
    'optional params, patterns and wildcards',
    (app, Router) => {
      const router = new Router().get('/a/:x?', answer).get('/b/:n(\\d+)', answer).get('/c/(.*)', answer)
      app.use(router.routes())
    },
    {
      'GET /a': '/a/:x?',
      'GET /a/1': '/a/:x?',
      'GET /b/1': '/b/:n(\\d+)',
      'GET /b/x': undefined,
      'GET /c/d/e': '/c/(.*)',
    },
  ],
]

/** The dialect of path-to-regexp 8. */
const newerCases: Case[] = [
  [
    'optional parts and wildcards',
    (app, Router) => app.use(new Router().get('/a{/:x}', answer).get('/c/*rest', answer).routes()),
    { 'GET /a': '/a{/:x}', 'GET /a/1': '/a{/:x}', 'GET /c/d/e': '/c/*rest' },
  ],
]

const framework = inject('framework')
const routers = [
  'koa-at-router-12',
  'koa-at-router-13',
  'koa-at-router-14',
  'koa-at-router-15',
  'koa-router-12',
  'koa-router-13',
  'koa-router-14',
]

async function namesOf(build: Build, Router: RouterClass, requests: string[]): Promise<Expected> {
  const { meter, calls } = recordingMeter()
  const app = new Koa()
  app.silent = true
  app.use(pxUsage({ meter, identify: () => ({ userId: 'ann' }), ignore: [] }))
  build(app, Router)
  const server = await startServer(app.callback())
  const names: Expected = {}
  for (const request of requests) {
    const [method = '', path] = request.split(' ')
    const before = calls.length
    await send(`${server.url}${path}`, { method })
    await vi.waitFor(() => expect(calls).toHaveLength(before + 1), { interval: 1 })
    names[request] = calls[before]?.route
  }
  await server.close()
  return names
}

it('the middleware inside of mounts names calls with their prefixes, the first one too', async () => {
  const { meter, calls } = recordingMeter()
  const inner = new Koa().use(pxUsage({ meter, identify: () => ({ userId: 'ann' }) }))
  inner.use(koaRoute.get('/pets', answer)).use(koaRoute.get('/', answer))
  const server = await startServer(new Koa().use(mount('/v1', mount('/zoo', inner))).callback())
  for (const path of ['/v1/zoo/pets?x=1', '/v1/zoo/pets', '/v1/zoo']) await send(`${server.url}${path}`)
  await vi.waitFor(() => expect(calls).toHaveLength(3))
  expect(calls.map(({ route }) => route)).toEqual(['/v1/zoo/pets', '/v1/zoo/pets', '/v1/zoo'])
  await server.close()
})

describe.each(routers)(`the names of %s on ${framework}`, (alias) => {
  const module = load(alias)
  const Router: RouterClass = module.default ?? module
  const { version } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../node_modules', alias, 'package.json'), 'utf8'),
  ) as { version: string }
  const major = Number(version.split('.')[0])

  it('are those of the version in the name', () => {
    expect(alias.endsWith(`-${major}`)).toBe(true)
  })

  it.each([...cases, ...(major < 14 ? olderCases : newerCases)])('%s', async (_about, build, expected) => {
    expect(await namesOf(build, Router, Object.keys(expected))).toEqual(expected)
  })
})
