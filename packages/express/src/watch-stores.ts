import type { IncomingMessage } from 'node:http'
import { guarded, noteContext } from '@px-usage/http'

/**
 * Express assigns `route` when a request comes to a route, mostly behind the app's middleware, which may have entered an
 * AsyncLocalStorage. On the prototype of an app's requests, the first assignment can be seen without a watch on each of them: it
 * makes the property that it would have made otherwise.
 */
const watchedRoute: PropertyDescriptor & ThisType<IncomingMessage> = {
  configurable: true,
  enumerable: false,
  get: () => undefined,
  set(route: unknown) {
    Reflect.defineProperty(this, 'route', {
      value: route,
      configurable: true,
      enumerable: true,
      writable: true,
    })
    noteRoute.call(this)
  },
}

const noteRoute = guarded(function (this: IncomingMessage) {
  noteContext(this)
})

/** To be called when a request comes. Does its work once per app, on `app.request`. */
export const watchStores = guarded((req: IncomingMessage) => {
  const prototype = Object.getPrototypeOf(req) as object
  if ('route' in prototype || !Object.hasOwn(prototype, 'app')) return
  Reflect.defineProperty(prototype, 'route', watchedRoute)
})
