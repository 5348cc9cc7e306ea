import type { Endpoint } from '../model/endpoint.ts'
import { detached } from './detached-text.ts'

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

export function createEndpoints(): Endpoints {
  const byMethod = new Map<string, Map<string, Endpoint>>()
  let listed = 0

  function first(method: string, route: string): Endpoint {
    if (listed >= maxListed) return { method, route }
    listed += 1
    const endpoint = Object.freeze({ method, route: detached(route) })
    const byRoute = byMethod.get(method) ?? new Map<string, Endpoint>()
    byMethod.set(method, byRoute.set(endpoint.route, endpoint))
    return endpoint
  }

  return {
    of(givenMethod, route = unmatchedRoute) {
      const method = knownMethods.has(givenMethod) ? givenMethod : '_OTHER'
      return byMethod.get(method)?.get(route) ?? first(method, route)
    },
    list: () => [...byMethod.values()].flatMap((byRoute) => [...byRoute.values()]).sort(byRouteAndMethod),
  }
}

function byRouteAndMethod(a: Endpoint, b: Endpoint): number {
  if (a.route !== b.route) return a.route < b.route ? -1 : 1
  return a.method < b.method ? -1 : 1
}
