import { guarded } from '@px-usage/http'
import { learnMounts } from './mounted-apps.ts'
import type { RouteTree } from './route-tree.ts'
import type { RoutedRequest } from './watch-route.ts'

/** How far a request has come behind its route. */
interface Watch {
  readonly req: RoutedRequest
  readonly tree: RouteTree
  params: unknown
  route: unknown
  /** Whether a handler that belongs to no route was entered behind the route, which had not responded. */
  isPassedOn: boolean
}

const watchKey: unique symbol = Symbol('px-usage.watch') as never
type Watched = RoutedRequest & { [watchKey]?: Watch }

/**
 * Express assigns `params` for every layer that it enters. Nothing else of what happens between the route and the answer can be
 * seen afterwards, so `params` is a property with a setter, on the single request; nothing of Express is touched.
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
    note.call(this, watch)
  },
}

const note = guarded(function (this: Watched, watch: Watch): void {
  const { app, route } = this
  if (app?.parent !== undefined) learnMounts(app)
  if (route === undefined) return
  const isHandler = watch.route === route && watch.tree.isHandlerEntered(watch.params)
  watch.isPassedOn = isHandler && (watch.isPassedOn || this.res?.headersSent !== true)
  watch.route = route
})

/** To be called when a request comes; a second time it does nothing. */
export function watchRequest(req: Watched, tree: RouteTree): void {
  if (req[watchKey] !== undefined) return
  req[watchKey] = { req, tree, params: req.params, route: req.route, isPassedOn: false }
  Reflect.defineProperty(req, 'params', watchedParams)
}

/** Whether the route passed the request on, and what it came to last is a handler of no route. */
export function isPassedOn(req: Watched): boolean {
  return req[watchKey]?.isPassedOn ?? false
}
