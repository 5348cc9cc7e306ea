import { subscribe } from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import type { Express, Request } from 'express'
import type Koa from 'koa'
import type { User } from './api.ts'

/*
 * The least that a counter of calls can do: it learns of the end of a response from Node's channel, and counts by user and route. It
 * has no aborted calls, no limits, no days and no store.
 */
interface Counts {
  calls: number
  failures: number
}

const byUser = new Map<string, Map<string, Counts>>()

function count(user: User | undefined, route: string, statusCode: number): void {
  if (user === undefined) return
  let routes = byUser.get(user.id)
  if (routes === undefined) {
    routes = new Map()
    byUser.set(user.id, routes)
  }
  let counts = routes.get(route)
  if (counts === undefined) {
    counts = { calls: 0, failures: 0 }
    routes.set(route, counts)
  }
  counts.calls += 1
  if (statusCode >= 400) counts.failures += 1
}

interface Layer {
  route?: { path: string }
  rawPath: string
  handle: { stack?: Layer[] }
}

function templateOf(route: unknown, stack: readonly Layer[], mount = ''): string | undefined {
  for (const layer of stack) {
    if (layer.route !== undefined && layer.route === route) return mount + layer.route.path
    const inner = layer.handle.stack
    const found = inner && templateOf(route, inner, layer.rawPath === '/' ? mount : mount + layer.rawPath)
    if (found !== undefined) return found
  }
  return undefined
}

const templates = new Map<unknown, string>()

export function countExpress(app: Express): void {
  subscribe('http.server.response.finish', (message) => {
    const { request, response } = message as { request: Request; response: ServerResponse }
    const { route } = request
    let template = templates.get(route)
    if (template === undefined) {
      template = templateOf(route, (app.router as unknown as { stack: Layer[] }).stack) ?? '(unmatched)'
      templates.set(route, template)
    }
    count(request.user, template, response.statusCode)
  })
}

const contextKey = Symbol('context')
type OfContext = ServerResponse & { [contextKey]?: Koa.Context }

export function countKoa(app: Koa): void {
  app.use((ctx, next) => {
    ;(ctx.res as OfContext)[contextKey] = ctx
    return next()
  })
  subscribe('http.server.response.finish', (message) => {
    const { response } = message as { response: OfContext }
    const ctx = response[contextKey]
    if (ctx !== undefined) count(ctx.state.user, ctx._matchedRoute ?? '(unmatched)', response.statusCode)
  })
}
