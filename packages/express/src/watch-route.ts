import type { IncomingMessage, ServerResponse } from 'node:http'
import { createSlot, guarded, noteContext, plainProperty } from '@px-usage/http'
import type { App } from './app.ts'
import { isEnding } from './last-handlers.ts'
import { learnMounts } from './mounts/mounted-apps.ts'
import type { Route } from './route-tree.ts'

/** A request with the properties that Express 4 and 5 add. */
export interface RoutedRequest extends IncomingMessage {
  app?: App
  /** The route that was entered last. */
  route?: Route
  originalUrl?: string
  baseUrl?: string
  params?: unknown
  res?: ServerResponse
  /** Set while a router handles the request; `undefined` again when the outermost router has finished. */
  next?: unknown
}

/** The route that names a call. */
export interface RouteVisit {
  route: Route
  /** The app in which it was entered. */
  app: App | undefined
  /** The path of the mounts that lead to it, with the values of this request. */
  baseUrl: string | undefined
  /** The parameters of the last of these mounts, if no middleware of its router ran in between. */
  mountParams: unknown
  /** Whether it had responded when a later route was entered. */
  hasResponded: boolean
}

interface WatchedVisit extends RouteVisit {
  /** The value that the app reads as `req.route`. */
  value: unknown
}

/** The visit of each request that reached a route. */
const visits = createSlot<WatchedVisit>()

const fieldsCallSetters = Number.parseInt(process.versions.node, 10) < 22

/** Makes `route` a plain property of a request, as it is without px-usage. @returns whether it could */
const definePlain = fieldsCallSetters ? defineByDescriptor : plainProperty('route')

function defineByDescriptor(req: object, value: unknown): boolean {
  return Reflect.defineProperty(req, 'route', { value, configurable: true, enumerable: true, writable: true })
}

/**
 * The property `route` of a request that has reached a route. The setter prevents a wrong name: a route that responds and then calls
 * `next()`, like every action of routing-controllers, would be named after the next route that matches. It is an own property of
 * the request, as in Express.
 */
const ownRoute: PropertyDescriptor & ThisType<RoutedRequest> = {
  configurable: true,
  enumerable: true,
  get() {
    return inheritedVisit(this)?.value
  },
  set(value: unknown) {
    const visit = visits.get(this)
    if (visit === undefined) definePlain(this, value)
    else {
      visit.value = value
      noteNextRoute.call(this, visit, value)
    }
  },
}

/** The property `route` of requests that have reached no route. It is on the prototype of the app's requests, so it costs no request time. */
const firstRoute: PropertyDescriptor & ThisType<RoutedRequest> = {
  configurable: true,
  enumerable: false,
  get: () => undefined,
  set(value: unknown) {
    if (noteFirstRoute.call(this, value) !== true) definePlain(this, value)
  },
}

const noteFirstRoute = guarded(function (this: RoutedRequest, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (isEnding(value)) {
    // No later route can follow, and `params`, `baseUrl` and `app` stay as they are, so nothing needs to be noted.
    if (!definePlain(this, value)) return false
    noteContext(this)
    return true
  }
  const { app, baseUrl, params } = this
  if (app?.parent !== undefined) learnMounts(app)
  const route = value as Route
  visits.set(this, { value, route, app, baseUrl, mountParams: params, hasResponded: false })
  if (!Reflect.defineProperty(this, 'route', ownRoute)) return false
  // The app may have entered an AsyncLocalStorage after the middleware.
  noteContext(this)
  return true
})

const noteNextRoute = guarded(function (this: RoutedRequest, visit: RouteVisit, value: unknown): void {
  // Express assigns a route twice: when its path matches, and when it runs.
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

/** Returns the visit of a request, or of the request that an object inherits from. */
function inheritedVisit(req: object): WatchedVisit | undefined {
  for (let each: object | null = req; each !== null; each = Object.getPrototypeOf(each)) {
    const visit = visits.get(each)
    if (visit !== undefined) return visit
  }
  return undefined
}

/** Starts to watch the routes of an app, once, through `app.request`. Adapters call it when a request arrives. */
export function watchRoutes(prototype: object): void {
  if (!('route' in prototype) && Object.hasOwn(prototype, 'app'))
    Reflect.defineProperty(prototype, 'route', firstRoute)
}

/** Returns the route that names the call, or `undefined` if the request reached no route. */
export function visitOf(req: RoutedRequest): RouteVisit | undefined {
  const visit = visits.get(req)
  if (visit !== undefined || req.route === undefined) return visit
  // The request had reached its route before px-usage began to watch it.
  const { route, app, baseUrl } = req
  return { route, app, baseUrl, mountParams: undefined, hasResponded: false }
}
