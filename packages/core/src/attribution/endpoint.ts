import { detached } from '../model/detached-text.ts'
import type { Endpoint } from '../model/endpoint.ts'

/** The route of a call that matched no route. The raw path would create a series for each typing error and each scanner. */
const unmatchedRoute = '(unmatched)'

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

/** Limit of the list: an app that puts ids into its endpoints must not fill the memory. */
const maxListed = 10_000

/** The endpoints called so far. */
export interface Endpoints {
  /** Returns the same frozen object for the same endpoint while it is listed. @param route `undefined` if no route matched */
  of(method: string, route: string | undefined): Endpoint
  /** Returns the endpoints, sorted by route, then by method. */
  list(): Endpoint[]
}

/** The endpoints of one route, by method; most routes have one. */
interface RouteEndpoints {
  readonly byMethod: Map<string, Endpoint>
  last: Endpoint
}

export function createEndpoints(): Endpoints {
  const routes = new Map<string, RouteEndpoints>()
  let listed = 0

  function add(method: string, givenRoute: string, ofRoute: RouteEndpoints | undefined): Endpoint {
    if (listed >= maxListed) return { method, route: givenRoute }
    listed += 1
    const route = ofRoute?.last.route ?? detached(givenRoute)
    const endpoint = Object.freeze({ method, route })
    if (ofRoute === undefined) routes.set(route, { byMethod: new Map([[method, endpoint]]), last: endpoint })
    else ofRoute.byMethod.set(method, endpoint)
    return endpoint
  }

  return {
    of(givenMethod, route = unmatchedRoute) {
      const ofRoute = routes.get(route)
      if (ofRoute?.last.method === givenMethod) return ofRoute.last
      const method = knownMethods.has(givenMethod) ? givenMethod : '_OTHER'
      const endpoint = ofRoute?.byMethod.get(method) ?? add(method, route, ofRoute)
      if (ofRoute !== undefined) ofRoute.last = endpoint
      return endpoint
    },
    list: () => [...routes.values()].flatMap(({ byMethod }) => [...byMethod.values()]).sort(byRouteAndMethod),
  }
}

function byRouteAndMethod(a: Endpoint, b: Endpoint): number {
  if (a.route !== b.route) return a.route < b.route ? -1 : 1
  return a.method < b.method ? -1 : 1
}
