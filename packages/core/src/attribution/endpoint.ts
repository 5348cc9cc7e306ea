/** What was called: the method and the route template. */
export interface Endpoint {
  readonly method: string
  readonly route: string
}

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

export function endpointOf(method: string, route: string | undefined): Endpoint {
  return { method: knownMethods.has(method) ? method : '_OTHER', route: route ?? unmatchedRoute }
}
