import { detached } from '../model/detached-text.ts'
import type { Endpoint } from '../model/endpoint.ts'

/** The route of a call that matched none: the raw path would make a series of every typing error and every scanner. */
const unmatchedRoute = '(unmatched)'

/** RFC 9110 section 9 and RFC 5789; anything else is `_OTHER`, as OpenTelemetry's `http.request.method` has it. */
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

/** So many are listed: an app that puts ids into its endpoints is not to fill the memory with them. */
const maxListed = 10_000

/** The endpoints called so far. */
export interface Endpoints {
  /** The same frozen object for the same endpoint, as far as it is listed. @param route `undefined` if none matched */
  of(method: string, route: string | undefined): Endpoint
  /** By route and method. */
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
