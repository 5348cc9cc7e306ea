import { guarded } from '@px-usage/http'
import { learnMounts } from './mounts/mounted-apps.ts'
import type { RouteTree } from './route-tree.ts'
import type { RoutedRequest } from './watch-route.ts'

/** What happened to a request after its route was entered. */
interface Watch {
  readonly req: RoutedRequest
  readonly tree: RouteTree
  params: unknown
  route: unknown
  /** Whether a handler outside all routes was entered after the route, which had not responded. */
  isPassedOn: boolean
}

const watchKey: unique symbol = Symbol('px-usage.watch') as never
type Watched = RoutedRequest & { [watchKey]?: Watch }

/**
 * The property `params` of a watched request. Express assigns it for every layer that it enters, and nothing else shows afterwards
 * what happened between the route and the response. The setter is on the single request; Express itself is not patched.
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
      // An object that inherits from the request must get its own params: shared ones would overwrite those of the request.
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

/** Starts to watch a request. Adapters call it when the request arrives; a second call does nothing. */
export function watchRequest(req: Watched, tree: RouteTree): void {
  if (req[watchKey] !== undefined) return
  req[watchKey] = { req, tree, params: req.params, route: req.route, isPassedOn: false }
  Reflect.defineProperty(req, 'params', watchedParams)
}

/** Returns whether the route passed the request on, and the last handler that was entered belongs to no route. */
export function isPassedOn(req: Watched): boolean {
  return req[watchKey]?.isPassedOn ?? false
}
