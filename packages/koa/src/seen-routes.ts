import { channel } from 'node:diagnostics_channel'
import { createSlot, type PrivateSlot } from '@px-usage/http'
import type { Context } from 'koa'

/** What routers and mounts have shown of one request, in whichever Koa apps it was. */
export interface Seen {
  /** Template of the last route that ran. */
  route: string | undefined
  /** The routes before it that had responded already when the next one ran, each with its response. */
  responded: Response[]
  turns: Turns
  /** Prefixes that koa-mount took off and has not put back. */
  mounts: Mount[]
  /** The route of Express in which the request was when a route of Koa ran last. */
  expressRoute: unknown
}

/** A prefix that koa-mount took off the path. */
interface Mount {
  readonly prefix: string
  /** The path before. */
  readonly path: string
  /** Of the context whose path it is: an app within this app has a path of its own. */
  readonly request: unknown
}

/** Which layers of `ctx.matched` had their turn. */
interface Turns {
  matched: unknown
  /** Their places in it. */
  ran: number[]
  /** What was known before a turn whose path is not known yet. */
  before: (Pick<Seen, 'route' | 'expressRoute'> & { ran: number; responded: number }) | undefined
}

interface Response {
  readonly route: string
  readonly response: Context['response']
  readonly body: unknown
  readonly status: number
}

/** What the copies of this package in a process share: only the first of them watches contexts. */
interface Shared {
  /** Of each request. */
  readonly seen: PrivateSlot<Seen>
  readonly watched: WeakSet<object>
}

const sharedKey: unique symbol = Symbol.for('@px-usage/koa.1') as never
const shared = sharedByCopies()

/** It stands on Node's channel, as test runners give every file its own global object. */
function sharedByCopies(): Shared {
  const holder = channel('http.server.request.start') as { [sharedKey]?: Shared }
  const known = holder[sharedKey]
  if (known !== undefined) return known
  const created: Shared = { seen: createSlot(), watched: new WeakSet() }
  Reflect.defineProperty(holder, sharedKey, { value: created })
  return created
}

export const { watched } = shared

/** @throws {TypeError} for a context without a request */
export function seenOf({ req }: Context): Seen {
  let seen = shared.seen.get(req)
  if (seen === undefined) {
    const turns = { matched: undefined, ran: [], before: undefined }
    seen = { route: undefined, responded: [], turns, mounts: [], expressRoute: undefined }
    shared.seen.set(req, seen)
  }
  return seen
}

export function knownOf({ req }: Context): Seen | undefined {
  return shared.seen.get(req)
}

/** A route is about to run. What runs after the response was sent is not the route that sent it. */
export function noteRoute(seen: Seen, ctx: Context, template: string): void {
  if (seen.route !== undefined && ctx.res.headersSent) return
  const { response } = ctx
  if (seen.route !== undefined && hasResponded(response)) {
    seen.responded.push({ route: seen.route, response, body: response.body, status: response.status })
  }
  seen.route = template
  seen.expressRoute = (ctx.req as { route?: unknown }).route
}

/**
 * The route that responded: a route that responds and then calls `next()` keeps its name when the routes behind it leave its
 * response alone, as those of routing-controllers do.
 */
export function respondingRoute({ responded, route }: Seen): string | undefined {
  return responded.find(isLast)?.route ?? route
}

function hasResponded(response: Context['response'] & { _explicitStatus?: boolean }): boolean {
  return response._explicitStatus === true || (response.body !== undefined && response.body !== null)
}

function isLast({ response, body, status }: Response): boolean {
  if (response.status !== status) return false
  // Koa itself empties the body of these.
  return response.body === body || status === 204 || status === 205 || status === 304
}
