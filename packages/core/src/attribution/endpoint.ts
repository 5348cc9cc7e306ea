import { detached } from '../model/detached-text.ts'
import type { Endpoint } from '../model/endpoint.ts'

/** The route of a call that matched no route. The raw path would create a series for each typing error and each scanner. */
export const unmatchedRoute = '(unmatched)'

/** The methods of RFC 9110 section 9 and RFC 5789. Others become `_OTHER`, as in OpenTelemetry's `http.request.method`. */
const knownMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
])

/** Limit of the list of a meter: an app that puts ids into its endpoints must not fill the memory. */
const maxListed = 10_000

/** Endpoints by their method and route: one object for each. */
export interface Endpoints {
  /** Returns the same frozen object for the same endpoint while it is listed. @param route `undefined` if no route matched */
  of(method: string, route: string | undefined): Endpoint
  /** Returns the listed object with this method and this route. Allocates nothing. */
  find(endpoint: Endpoint): Endpoint | undefined
  /** Lists an endpoint that `find` does not find. @returns the same object, also if the list is full */
  add(endpoint: Endpoint): Endpoint
  /** Returns the endpoints, sorted by route, then by method. */
  list(): Endpoint[]
}

/** The endpoints of one route, by method; most routes have one. */
interface RouteEndpoints {
  readonly byMethod: Map<string, Endpoint>
  last: Endpoint
}

/** Creates an empty list. @param max how many endpoints it lists */
export function createEndpoints(max = maxListed): Endpoints {
  const routes = new Map<string, RouteEndpoints>()
  let listed = 0

  function add(endpoint: Endpoint): Endpoint {
    if (listed >= max) return endpoint
    listed += 1
    const { method, route } = endpoint
    const ofRoute = routes.get(route)
    if (ofRoute === undefined) routes.set(route, { byMethod: new Map([[method, endpoint]]), last: endpoint })
    else ofRoute.byMethod.set(method, endpoint)
    return endpoint
  }

  return {
    of(givenMethod, route = unmatchedRoute) {
      const ofRoute = routes.get(route)
      if (ofRoute?.last.method === givenMethod) return ofRoute.last
      const method = knownMethods.has(givenMethod) ? givenMethod : '_OTHER'
      const endpoint =
        ofRoute?.byMethod.get(method) ??
        add(Object.freeze({ method, route: ofRoute?.last.route ?? detached(route) }))
      if (ofRoute !== undefined) ofRoute.last = endpoint
      return endpoint
    },
    find: ({ method, route }) => routes.get(route)?.byMethod.get(method),
    add,
    list: () => [...routes.values()].flatMap(({ byMethod }) => [...byMethod.values()]).sort(byRouteAndMethod),
  }
}

function byRouteAndMethod(a: Endpoint, b: Endpoint): number {
  if (a.route !== b.route) return a.route < b.route ? -1 : 1
  return a.method < b.method ? -1 : 1
}
