import type { App } from './app.ts'
import type { RoutedRequest } from './route-template.ts'
import type { Route, RouteTree } from './route-tree.ts'

/** How far a request has come, as its routers told one after the other. */
interface Watch {
  readonly req: RoutedRequest
  readonly tree: RouteTree
  /** The app in which it was seen first. */
  readonly app: App | undefined
  params: unknown
  route: Route | undefined
  /** Whether a handler that belongs to no route was entered behind the route. */
  isPassedOn: boolean
}

const watchKey: unique symbol = Symbol('px-usage.watch') as never
type Watched = RoutedRequest & { [watchKey]?: Watch; params?: unknown }

/**
 * Express assigns `params` for every layer that it enters. Nothing else of what happens between the first layer and the answer
 * can be seen afterwards, so `params` is a property with a setter, on the single request; nothing of Express is touched.
 */
const watchedParams: PropertyDescriptor & ThisType<Watched> = {
  configurable: true,
  enumerable: true,
  get() {
    return this[watchKey]?.params
  },
  set(params: unknown) {
    const watch = this[watchKey] as Watch
    if (watch.req !== this) {
      // An object that inherits from the request has params of its own.
      const value = { value: params, configurable: true, enumerable: true, writable: true }
      Object.defineProperty(this, 'params', value)
      return
    }
    watch.params = params
    try {
      note(this, watch)
    } catch {
      // What an app makes of its routers must not become an error here.
    }
  },
}

function note({ app, route }: Watched, watch: Watch): void {
  if (app?.parent !== undefined) watch.tree.learn(app)
  if (route === undefined) return
  watch.isPassedOn = watch.route === route && watch.tree.isHandlerEntered(watch.params)
  watch.route = route
}

/** To be called when a request comes; a second time it does nothing. */
export function watchRequest(req: Watched, tree: RouteTree): void {
  if (req[watchKey] !== undefined) return
  req[watchKey] = { req, tree, app: req.app, params: req.params, route: req.route, isPassedOn: false }
  Reflect.defineProperty(req, 'params', watchedParams)
}

/** The app in which the request was seen first. */
export function firstApp(req: Watched): App | undefined {
  return req[watchKey]?.app
}

/** Whether the route passed the request on, and what it came to last is a handler of no route. */
export function isPassedOn(req: Watched, tree: RouteTree): boolean {
  const watch = req[watchKey]
  if (watch !== undefined) return watch.isPassedOn
  const { params } = req
  return tree.hasPlainHandlers && params instanceof Object
}
