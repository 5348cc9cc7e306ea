import { channel } from 'node:diagnostics_channel'
import { createSlot, type PrivateSlot } from '@px-usage/http'
import type { Context } from 'koa'
import type { Layer, RoutedContext, Router } from './routed-context.ts'

/** What is known of one request from the routers and mounts of all Koa apps that it came through. */
export interface Seen {
  /** The template of the last route that ran. */
  route: string | undefined
  /** Earlier routes that had responded before the next one ran, each with its response. */
  responded: Response[] | undefined
  /** The route of Express that the request had when the last route of Koa ran. */
  expressRoute: unknown
  /** Prefixes that koa-mount has removed from the path and not restored. */
  mounts: Mount[] | undefined
  /** The layer that began last, until it is known which one it is. */
  turn: Turn | undefined
  /** The list of layers that `ran` refers to. */
  matched: unknown
  /** Indexes of the layers that have run. */
  ran: number[] | undefined
}

/** A prefix that koa-mount removed from the path. */
interface Mount {
  readonly prefix: string
  /** The path before that. */
  readonly path: string
  /** The request of the context whose path it is. An app mounted in this one has its own. */
  readonly request: unknown
}

/** The state of a request when a layer or a route begins to run. */
export interface Begun {
  /** The prefixes of koa-mount, joined. */
  readonly prefix: string
  /** The response that the previous route had made. */
  readonly responded: Response | undefined
  /** Whether the response was sent before. A route that runs afterwards did not make it. */
  readonly isLate: boolean
  readonly expressRoute: unknown
}

/** A layer that has begun to run. Which one it is shows later, because routers assign its path after what it captured. */
export interface Turn {
  readonly ctx: RoutedContext
  readonly matched: readonly Layer[]
  readonly router: Router | undefined
  /** The path that an earlier layer or the app had assigned. */
  readonly pathBefore: unknown
  readonly begun: Begun
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

export const nothingSeen: Readonly<Seen> = {
  ...{ route: undefined, responded: undefined, expressRoute: undefined, mounts: undefined },
  ...{ turn: undefined, matched: undefined, ran: undefined },
}

/**
 * Returns what is known of a context's request, creating it if needed.
 *
 * @throws {TypeError} for a context without a request
 */
export function seenOf({ req }: Context): Seen {
  const known = shared.seen.get(req)
  // What requests have in common is frozen. One that gets further gets an object of its own.
  if (known !== undefined && !Object.isFrozen(known)) return known
  const seen = { ...(known ?? nothingSeen) }
  shared.seen.set(req, seen)
  return seen
}

/** Sets what is known of a context's request to what it has in common with others. */
export function setSeen({ req }: Context, seen: Readonly<Seen>): void {
  shared.seen.set(req, seen)
}

/** Returns what is known of a context's request, or `undefined` if no router or mount has shown anything. */
export function knownOf({ req }: Context): Seen | undefined {
  return shared.seen.get(req)
}

/** Returns the state of a request in which a route begins to run. */
export function begin({ route, mounts }: Seen, { req, res, response }: Context): Begun {
  const hasRoute = route !== undefined
  return {
    prefix: mounts === undefined ? '' : prefixOf(mounts),
    responded:
      hasRoute && hasResponded(response)
        ? { route, response, body: response.body, status: response.status }
        : undefined,
    isLate: hasRoute && res.headersSent,
    expressRoute: (req as { route?: unknown }).route,
  }
}

/** Notes a route that has run. */
export function noteRoute(
  seen: Seen,
  { prefix, responded, isLate, expressRoute }: Begun,
  template: string,
): void {
  if (isLate) return
  if (responded !== undefined) {
    seen.responded ??= []
    seen.responded.push(responded)
  }
  seen.route = withPrefix(prefix, template)
  seen.expressRoute = expressRoute
}

/**
 * Returns the template of the route that responded. A route that responds and then calls `next()`, like those of
 * routing-controllers, names the call unless a later route changes the response.
 */
export function respondingRoute({ responded, route }: Seen): string | undefined {
  return responded?.find(isLast)?.route ?? route
}

/** Returns a template with the prefixes of koa-mount before it. */
export function mounted(template: string, { mounts }: Pick<Seen, 'mounts'>): string {
  return mounts === undefined ? template : withPrefix(prefixOf(mounts), template)
}

function prefixOf(mounts: readonly Mount[]): string {
  return mounts.map((mount) => mount.prefix.replace(/\/$/, '')).join('')
}

function withPrefix(prefix: string, template: string): string {
  return template === '/' && prefix !== '' ? prefix : `${prefix}${template}`
}

function hasResponded(response: Context['response'] & { _explicitStatus?: boolean }): boolean {
  return response._explicitStatus === true || (response.body !== undefined && response.body !== null)
}

function isLast({ response, body, status }: Response): boolean {
  if (response.status !== status) return false
  // Koa itself removes the body of responses with these statuses.
  return response.body === body || status === 204 || status === 205 || status === 304
}
