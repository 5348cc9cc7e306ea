import type { IncomingMessage, ServerResponse } from 'node:http'
import { createSlot, guarded, noteContext } from '@px-usage/http'
import type { App } from './app.ts'
import { learnMounts } from './mounted-apps.ts'
import type { Route } from './route-tree.ts'

/** What Express (4 and 5) puts on a request. */
export interface RoutedRequest extends IncomingMessage {
  app?: App
  /** The route that was entered last. */
  route?: Route
  originalUrl?: string
  baseUrl?: string
  params?: unknown
  res?: ServerResponse
  /** Set while a router has the request, and put back to nothing when the outermost one lets go of it. */
  next?: unknown
}

/** The route that names a call. */
export interface RouteVisit {
  route: Route
  /** The app in which it was entered. */
  app: App | undefined
  /** The path of the mounts that lead to it, as the request has it. */
  baseUrl: string | undefined
  /** What the last of these mounts took from the path, if no middleware of its router came in between. */
  mountParams: unknown
  /** It had responded when a later route was entered. */
  hasResponded: boolean
}

interface WatchedVisit extends RouteVisit {
  /** What the app reads as `req.route`. */
  value: unknown
}

/** Of each request that came to a route. */
const visits = createSlot<WatchedVisit>()

/**
 * `route` of a request that came to one, with a setter: a route that responds and then calls `next()`, as every action of
 * routing-controllers does, would otherwise be named after the next route that matches. It is an own property of the request, as
 * Express makes it.
 */
const ownRoute: PropertyDescriptor & ThisType<RoutedRequest> = {
  configurable: true,
  enumerable: true,
  get() {
    return inheritedVisit(this)?.value
  },
  set(value: unknown) {
    const visit = visits.get(this)
    if (visit === undefined) Reflect.defineProperty(this, 'route', dataOf(value))
    else {
      visit.value = value
      noteNextRoute.call(this, visit, value)
    }
  },
}

/** The same before a request has a route: on the prototype of an app's requests, so that no single request needs a look. */
const firstRoute: PropertyDescriptor & ThisType<RoutedRequest> = {
  configurable: true,
  enumerable: false,
  get: () => undefined,
  set(value: unknown) {
    if (noteFirstRoute.call(this, value) !== true) Reflect.defineProperty(this, 'route', dataOf(value))
  },
}

const noteFirstRoute = guarded(function (this: RoutedRequest, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { app, baseUrl, params } = this
  if (app?.parent !== undefined) learnMounts(app)
  const route = value as Route
  visits.set(this, { value, route, app, baseUrl, mountParams: params, hasResponded: false })
  if (!Reflect.defineProperty(this, 'route', ownRoute)) return false
  // The app may have entered an AsyncLocalStorage behind the middleware.
  noteContext(this)
  return true
})

const noteNextRoute = guarded(function (this: RoutedRequest, visit: RouteVisit, value: unknown): void {
  // Express assigns a route twice: when its path matched, and when it runs.
  if (value === visit.route) return
  visit.hasResponded ||= this.res?.headersSent === true
  if (!visit.hasResponded && typeof value === 'object' && value !== null) enter(this, visit, value as Route)
})

function enter(req: RoutedRequest, visit: RouteVisit, route: Route): void {
  const { app } = req
  if (app?.parent !== undefined) learnMounts(app)
  visit.route = route
  visit.app = app
  visit.baseUrl = req.baseUrl
  visit.mountParams = req.params
}

/** An object may inherit from the request. */
function inheritedVisit(req: object): WatchedVisit | undefined {
  for (let each: object | null = req; each !== null; each = Object.getPrototypeOf(each)) {
    const visit = visits.get(each)
    if (visit !== undefined) return visit
  }
  return undefined
}

function dataOf(value: unknown): PropertyDescriptor {
  return { value, configurable: true, enumerable: true, writable: true }
}

/** To be called when a request comes. Does its work once per app, on `app.request`. */
export function watchRoutes(prototype: object): void {
  if (!('route' in prototype) && Object.hasOwn(prototype, 'app'))
    Reflect.defineProperty(prototype, 'route', firstRoute)
}

/** The route that names the call; `undefined` if it came to none. */
export function visitOf(req: RoutedRequest): RouteVisit | undefined {
  const visit = visits.get(req)
  if (visit !== undefined || req.route === undefined) return visit
  // A request that had its route before it was watched.
  const { route, app, baseUrl } = req
  return { route, app, baseUrl, mountParams: undefined, hasResponded: false }
}
