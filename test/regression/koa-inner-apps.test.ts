import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { pxUsage as pxUsageOfExpress } from '@px-usage/express'
import { pxUsage } from '@px-usage/koa'
import Koa, { type Context, type Middleware } from 'koa'
import { describe, expect, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const load = createRequire(import.meta.url)
const mount = load('koa-mount') as (prefix: string, app: Koa | Middleware) => Middleware
const connect = load('koa-connect') as (app: unknown) => Middleware
const { Router } = load('koa-at-router-15')
const identify = () => ({ userId: 'ann' })

interface ExpressApp {
  (req: IncomingMessage, res: ServerResponse): void
  get(path: unknown, ...handlers: unknown[]): ExpressApp
  use(...args: unknown[]): ExpressApp
}

const answer = (ctx: Context) => {
  ctx.body = 'koa'
}

/** Hands the request on to another app, as a route of Koa may do. */
const handOn = (listener: RequestListener) => (ctx: Context) => {
  ctx.respond = false
  listener(ctx.req, ctx.res)
}

async function namesOf(app: Koa, paths: string[]): Promise<(string | undefined)[]> {
  app.silent = true
  return namesBehind(() => app.callback(), app.middleware, paths)
}

async function namesBehind(
  listener: () => RequestListener,
  used: Middleware[],
  paths: string[],
): Promise<(string | undefined)[]> {
  const { meter, calls } = recordingMeter()
  used.unshift(pxUsage({ meter, identify }) as Middleware)
  const server = await startServer(listener())
  // Each twice: a known route has the same name again.
  for (const path of [...paths, ...paths]) {
    const before = calls.length
    await send(server.url, { path })
    await vi.waitUntil(() => calls.length > before, { interval: 1 })
  }
  await server.close()
  const names = calls.map(({ route }) => route)
  expect(names.slice(paths.length)).toEqual(names.slice(0, paths.length))
  return names.slice(0, paths.length)
}

describe.each(['express-4.17', 'express-4.22', 'express-5.0', 'express-5.1', 'express-5.3'])(
  'an app of %s within a Koa app',
  (alias) => {
    const express = load(alias)
    const expressApp = (prefix = '') => {
      const ok = (_req: unknown, res: { end(text: string): void }) => res.end('express')
      const leaf = express.Router().get('/items/:item', ok).get('/', ok)
      const sub = express().get('/deep/:deep', ok)
      const app = express() as ExpressApp
      app.get(`${prefix}/users/:id`, ok).use(`${prefix}/t/:tenant`, leaf).use(`${prefix}/t-const`, leaf)
      app.use(`${prefix}/sub/:s`, sub).use(`${prefix}/v:version`, leaf)
      return app.get(`${prefix}/passed`, (_req: unknown, _res: unknown, next: () => void) => next())
    }

    it('names its own routes, whatever their mounts', async () => {
      const app = new Koa().use(new Router().all('/{*any}', handOn(expressApp())).routes())
      const paths = ['/users/1', '/t/users/items/1', '/t/t', '/t-const/items/items', '/sub/deep/deep/1']
      expect(await namesOf(app, paths)).toEqual([
        '/users/:id',
        '/t/:tenant/items/:item',
        '/t/:tenant',
        '/t-const/items/:item',
        '/sub/:s/deep/:deep',
      ])
    })

    it('leaves the name to Koa where its own routes do not respond', async () => {
      const app = new Koa().use(new Router().all('/{*any}', handOn(expressApp())).routes())
      expect(await namesOf(app, ['/none', '/passed', '/v7/items/1'])).toEqual(Array(3).fill('/{*any}'))
    })

    it('names its routes with the mounts of Koa', async () => {
      const app = new Koa().use(mount('/api', connect(expressApp())))
      expect(await namesOf(app, ['/api/users/1', '/api/t/1/items/2', '/api/none', '/users/1'])).toEqual([
        '/api/users/:id',
        '/api/t/:tenant/items/:item',
        undefined,
        undefined,
      ])
    })

    it('passes on to routes of Koa, which name the call then', async () => {
      const app = new Koa().use(connect(expressApp())).use(new Router().get('/passed', answer).routes())
      expect(await namesOf(app, ['/passed', '/users/1', '/none'])).toEqual([
        '/passed',
        '/users/:id',
        undefined,
      ])
    })

    it('around the Koa app does not name its routes', async () => {
      const inner = new Koa().use(new Router().get('/koa/:k', answer).routes())
      const outer = express()
      let listener: RequestListener | undefined
      outer.all(
        alias < 'express-5' ? '/koa/*' : '/koa/*rest',
        (req: IncomingMessage, res: ServerResponse) => {
          listener ??= inner.callback()
          listener(req, res)
        },
      )
      expect(await namesBehind(() => outer, inner.middleware, ['/koa/1', '/koa/1/2'])).toEqual([
        '/koa/:k',
        undefined,
      ])
    })
  },
)

describe('a Koa app that is called from a route of another', () => {
  const inner = () => new Koa().use(new Router().get('/old/users/:id', answer).routes())

  it('names its own routes, without the middleware in it', async () => {
    const app = new Koa().use(new Router().all('/old/*rest', handOn(inner().callback())).routes())
    expect(await namesOf(app, ['/old/users/1', '/old/none'])).toEqual(['/old/users/:id', '/old/*rest'])
  })

  it('names them with the mounts around both', async () => {
    const routes = new Router().all('/old/*rest', handOn(inner().callback())).routes()
    expect(await namesOf(new Koa().use(mount('/v1', routes)), ['/v1/old/users/1'])).toEqual([
      '/v1/old/users/:id',
    ])
  })

  it('is seen when its contexts cannot be changed', async () => {
    const app = inner()
    Object.freeze(app.context)
    expect(await namesOf(app, ['/old/users/1', '/none'])).toEqual(['/old/users/:id', undefined])
  })
})

describe('apps of both frameworks with one meter', () => {
  const express = load('express-5.3')

  async function names(
    build: (use: { koa: Middleware; express: unknown }) => RequestListener,
    paths: string[],
  ) {
    const { meter, calls } = recordingMeter()
    const use = {
      koa: pxUsage({ meter, identify }) as Middleware,
      express: pxUsageOfExpress({ meter, identify }),
    }
    const server = await startServer(build(use))
    for (const path of paths) await send(server.url, { path })
    await vi.waitFor(() => expect(calls).toHaveLength(paths.length))
    await server.close()
    return calls.map(({ route }) => route)
  }

  it('count a call of a Koa app within Express once, by the route of Koa', async () => {
    const build = (use: { koa: Middleware; express: unknown }) => {
      const inner = new Koa().use(use.koa).use(new Router().get('/koa/:k', answer).routes())
      return express().use(use.express).all('/koa/*rest', inner.callback())
    }
    expect(await names(build, ['/koa/1', '/koa/1/2'])).toEqual(['/koa/:k', '/koa/*rest'])
  })

  it('count a call of an Express app within Koa once, with the mounts of both', async () => {
    const build = (use: { koa: Middleware; express: unknown }) => {
      const ok = (_req: unknown, res: ServerResponse) => res.end('express')
      const leaf = express.Router({ mergeParams: true }).get('/items/:item', ok)
      const inner = express().use(use.express).use('/v:version', leaf)
      return new Koa()
        .use(use.koa)
        .use(mount('/api', connect(inner)))
        .callback()
    }
    expect(await names(build, ['/api/v7/items/1', '/api/none'])).toEqual([
      '/api/v:version/items/:item',
      undefined,
    ])
  })
})
