import { createRequire } from 'node:module'
import { pxUsage } from '@px-usage/koa'
import Koa, { type Context, type Middleware, type Next } from 'koa'
import { describe, expect, inject, it, vi } from 'vitest'
import { send, startServer } from './http-client.ts'
import { recordingMeter } from './recording-meter.ts'

export const load = createRequire(import.meta.url)
export const mount = load('koa-mount') as (
  prefix: string,
  app: { middleware: unknown[] } | Middleware | Middleware[],
) => Middleware
export const koaRoute = load('koa-route') as {
  get(path: string, handler: (ctx: Context, ...params: string[]) => unknown): Middleware
}

/** Just what the cases use of @koa/router, whose types differ from major to major. */
export interface Router {
  get(...args: unknown[]): Router
  post(...args: unknown[]): Router
  put(...args: unknown[]): Router
  del(...args: unknown[]): Router
  head(...args: unknown[]): Router
  options(...args: unknown[]): Router
  all(...args: unknown[]): Router
  use(...args: unknown[]): Router
  param(name: string, handler: unknown): Router
  prefix(path: string): Router
  redirect(from: string, to: string, code?: number): Router
  routes(): Middleware
  middleware(): Middleware
  allowedMethods(options?: object): Middleware
}
export type RouterClass = new (options?: object) => Router

/** The route of each request: `GET`, or the method given before the path. */
type Expected = Record<string, string | undefined>

/** An app, and the route that names each request to it. */
export interface Case {
  readonly name: string
  /** The routers that have this syntax: `older` is path-to-regexp 6, `newer` 8; both, if left out. */
  readonly for?: 'older' | 'newer'
  /** Whether the requests change the app, so that they may have other names when they are sent again. */
  readonly isChanging?: true
  build(app: Koa, Router: RouterClass): void
  readonly expected: Expected
}

export const ok = (ctx: Context) => {
  ctx.body = 'ok'
}
export const pass = (_ctx: Context, next: Next) => next()
export const passLater = async (_ctx: Context, next: Next) => {
  await new Promise(setImmediate)
  await next()
}
export const respond = (status: number) => (ctx: Context) => {
  ctx.status = status
  ctx.body = 'ok'
}
export const refuse = (ctx: Context) => {
  ctx.status = 401
}
export const throws = (status: number) => (ctx: Context) => ctx.throw(status)
export const keyed = (ctx: Context, next: Next) => (ctx.query.key === '1' ? next() : respond(401)(ctx))
export const catchAll = async (ctx: Context, next: Next) => {
  try {
    await next()
  } catch (error) {
    ctx.status = (error as { status?: number }).status ?? 500
    ctx.body = 'failed'
  }
}

/** A router with a few routes, for the cases about what is around it. */
export function small(Router: RouterClass, options: { prefix?: string } = {}): Router {
  return new Router(options).get('/', ok).get('/users', ok).get('/users/:id', ok)
}

const framework = inject('framework')
/** Aliases of the package.json of the tests: 12 and 13 use path-to-regexp 6, 14 and 15 use 8. */
export const routers = [
  'koa-at-router-12',
  'koa-at-router-13',
  'koa-at-router-14',
  'koa-at-router-15',
  'koa-router-12',
  'koa-router-13',
  'koa-router-14',
]

/** Sends each request twice: a known route has the same name again. */
async function namesOf({ build, expected, isChanging }: Case, Router: RouterClass): Promise<Expected> {
  const { meter, calls } = recordingMeter()
  const app = new Koa()
  app.silent = true
  app.use(pxUsage({ meter, identify: () => ({ userId: 'ann' }), ignore: [] }))
  build(app, Router)
  const server = await startServer(app.callback())
  const names: Expected = {}
  const nameOf = async (request: string) => {
    const [method = '', path = ''] = request.startsWith('/') ? ['GET', request] : request.split(' ')
    const before = calls.length
    await send(server.url, { method, path })
    await vi.waitUntil(() => calls.length > before, { interval: 1 })
    return calls[before]?.route
  }
  for (const request of Object.keys(expected)) names[request] = await nameOf(request)
  for (const request of isChanging ? [] : Object.keys(expected)) {
    const again = await nameOf(request)
    if (again !== names[request]) throw new Error(`${request} is ${names[request]}, then ${again}`)
  }
  await server.close()
  return names
}

/** Registers a test for each case and each router whose syntax it fits. */
export function describeNames(of: string, cases: readonly Case[]): void {
  describe.each(routers)(`${framework} with %s names ${of}`, (alias) => {
    const module = load(alias)
    const Router: RouterClass = module.default ?? module
    const dialect = Number(alias.slice(-2)) < 14 ? 'older' : 'newer'
    const fitting = cases.filter((each) => each.for === undefined || each.for === dialect)
    it.each(fitting)('$name', async (each) => {
      expect(await namesOf(each, Router)).toEqual(each.expected)
    })
  })
}
