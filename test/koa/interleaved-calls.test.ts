import { createRequire } from 'node:module'
import type { Identity } from '@px-usage/core'
import { pxUsage } from '@px-usage/koa'
import fc from 'fast-check'
import Koa, { type Context, type Middleware, type Next } from 'koa'
import { expect, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const load = createRequire(import.meta.url)
const mount = load('koa-mount') as (prefix: string, app: Koa | Middleware) => Middleware
const { Router } = load('koa-at-router-15') as {
  Router: new (options?: {
    prefix: string
  }) => {
    get(path: string, ...handlers: unknown[]): unknown
    use(...handlers: unknown[]): unknown
    routes(): Middleware
  }
}

const runs = 20
const callsPerRun = 500

/** Names that are easily taken for each other, as routes of a router and below a param. */
const routes = [
  '/user',
  '/users',
  '/users/me',
  '/users/:id',
  '/users/:id/users',
  '/:user',
  '/:user/me',
  '/:a/:b/:c/:d',
]
const prefixes = ['', '/user', '/user/users', '/api', '/users/:id/inner']
const words = ['user', 'users', 'me', 'a', '7', ':id', '%2F', '$&', 'inner', 'api']

/** What answered, by the id of the request: the handlers write it themselves. */
type Truth = Map<string, string | undefined>

function confusingApp(truth: Truth): Koa {
  const handlers = (prefix: string) => {
    const router = new Router()
    // `/user` and `/users/me` hand over to what comes next now and then.
    for (const path of routes) {
      router.get(path, async (ctx: Context, next: Next) => {
        for (let turns = Number(ctx.get('x-turns')); turns > 0; turns--) await new Promise(setImmediate)
        truth.set(ctx.get('x-id'), `${prefix}${path}`)
        if (ctx.get('x-pass') === path) return next()
        ctx.body = 'ok'
      })
    }
    return router
  }
  const guard = async (ctx: Context, next: Next) => {
    await new Promise(setImmediate)
    if (ctx.get('x-pass') !== 'guard') return next()
    ctx.status = 401
  }
  const app = new Koa()
  const mounted = new Koa()
    .use(mount('/users', handlers('/user/users').routes()))
    .use(handlers('/user').routes())
  app.use(mount('/user', mounted))
  app.use(mount('/api', handlers('/api').routes()))
  const nested = new Router({ prefix: '/users' })
  nested.use('/:id/inner', guard, handlers('/users/:id/inner').routes())
  app.use(nested.routes())
  app.use(handlers('').routes())
  return app
}

const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...words) },
  {
    weight: 1,
    arbitrary: fc
      .string({ minLength: 1, maxLength: 8, unit: 'grapheme' })
      .map((text) => encodeURIComponent(text.toWellFormed())),
  },
)

/** Half of the paths are made of any words, half are those of a route, with anything for its params. */
const path = fc.oneof(
  fc.array(word, { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`),
  fc
    .tuple(
      fc.constantFrom(...prefixes),
      fc.constantFrom(...routes),
      fc.array(word, { minLength: 5, maxLength: 5 }),
    )
    .map(([prefix, route, values]) => `${prefix}${route}`.replace(/:\w+/g, () => values.pop() as string)),
)

const request = fc.record({ path, turns: fc.nat(4), pass: fc.constantFrom('', 'guard', ...routes) })

it(`names ${runs * callsPerRun} interleaved calls to similar routes as their handlers do`, async () => {
  const truth: Truth = new Map()
  const { meter, calls } = recordingMeter()
  const app = confusingApp(truth)
  app.middleware.unshift(pxUsage({ meter, identify: (ctx) => ({ userId: ctx.get('x-id') }) }))
  const server = await startServer(app.callback())
  const named = new Set<string | undefined>()
  let sent = 0
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: callsPerRun, maxLength: callsPerRun }), async (batch) => {
      truth.clear()
      calls.length = 0
      await Promise.all(
        batch.map(({ path, turns, pass }) => {
          const headers = { 'x-id': String(sent++), 'x-turns': String(turns), 'x-pass': pass }
          return send(server.url, { path, headers })
        }),
      )
      await vi.waitFor(() => expect(calls).toHaveLength(batch.length), { interval: 1 })
      const wrong = calls
        .map(({ identity, route }) => ({ route, truth: truth.get((identity as Identity).userId) }))
        .filter((call) => call.route !== call.truth)
      expect(wrong).toEqual([])
      for (const { route } of calls) named.add(route)
    }),
    { numRuns: runs, endOnFailure: true },
  )
  await server.close()
  // Every endpoint, and none.
  expect(named.size).toBe(routes.length * prefixes.length + 1)
}, 60_000)
