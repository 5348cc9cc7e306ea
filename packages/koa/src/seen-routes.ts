import { channel } from 'node:diagnostics_channel'
import { createSlot, type PrivateSlot } from '@px-usage/http'
import type { Context } from 'koa'

/** What is known of one request from the routers and mounts of all Koa apps that it came through. */
export interface Seen {
  /** The template of the last route that ran. */
  route: string | undefined
  /** Earlier routes that had responded before the next one ran, each with its response. */
  responded: Response[]
  turns: Turns
  /** Prefixes that koa-mount has removed from the path and not restored. */
  mounts: Mount[]
  /** The route of Express that the request had when the last route of Koa ran. */
  expressRoute: unknown
}

/** A prefix that koa-mount removed from the path. */
interface Mount {
  readonly prefix: string
  /** The path before that. */
  readonly path: string
  /** The request of the context whose path it is. An app mounted in this one has its own. */
  readonly request: unknown
}

/** The layers of `ctx.matched` that have run. */
interface Turns {
  matched: unknown
  /** Their indexes in it. */
  ran: number[]
  /** The state before the current layer, whose path may still be assigned. */
  before: (Pick<Seen, 'route' | 'expressRoute'> & { ran: number; responded: number }) | undefined
}

/** A response that a route had made when the next one ran. */
interface Response {
  readonly route: string
  readonly response: Context['response']
  readonly body: unknown
  readonly status: number
}

/** State that all copies of this package in the process share. Only the first copy watches contexts. */
interface Shared {
  /** By request. */
  readonly seen: PrivateSlot<Seen>
  readonly watched: WeakSet<object>
}

const sharedKey: unique symbol = Symbol.for('@px-usage/koa.1') as never
const shared = sharedByCopies()

/** Returns the shared state. It is kept on Node's channel, because test runners give every file its own global object. */
function sharedByCopies(): Shared {
  const holder = channel('http.server.request.start') as { [sharedKey]?: Shared }
  const known = holder[sharedKey]
  if (known !== undefined) return known
  const created: Shared = { seen: createSlot(), watched: new WeakSet() }
  Reflect.defineProperty(holder, sharedKey, { value: created })
  return created
}

export const { watched } = shared

/**
 * Returns what is known of a context's request, creating it if needed.
 *
 * @throws {TypeError} for a context without a request
 */
export function seenOf({ req }: Context): Seen {
  let seen = shared.seen.get(req)
  if (seen === undefined) {
    const turns = { matched: undefined, ran: [], before: undefined }
    seen = { route: undefined, responded: [], turns, mounts: [], expressRoute: undefined }
    shared.seen.set(req, seen)
  }
  return seen
}

/** Returns what is known of a context's request, or `undefined` if no router or mount has shown anything. */
export function knownOf({ req }: Context): Seen | undefined {
  return shared.seen.get(req)
}

/** Notes that a route is about to run. A route that runs after the response was sent did not send it, and is ignored. */
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
 * Returns the template of the route that responded. A route that responds and then calls `next()`, like those of
 * routing-controllers, names the call unless a later route changes the response.
 */
export function respondingRoute({ responded, route }: Seen): string | undefined {
  return responded.find(isLast)?.route ?? route
}

function hasResponded(response: Context['response'] & { _explicitStatus?: boolean }): boolean {
  return response._explicitStatus === true || (response.body !== undefined && response.body !== null)
}

function isLast({ response, body, status }: Response): boolean {
  if (response.status !== status) return false
  // Koa itself removes the body of responses with these statuses.
  return response.body === body || status === 204 || status === 205 || status === 304
}
