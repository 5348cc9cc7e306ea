import type { IncomingMessage } from 'node:http'

/** What Express (4 and 5) puts on a request. */
export interface RoutedRequest extends IncomingMessage {
  /** Where the router that answered is mounted, as it stands in the URL. */
  baseUrl?: string
  route?: { path?: unknown }
}

/** The template of the route that answered: where its router is mounted, and its own path. `undefined` if none matched. */
export function routeTemplate(req: RoutedRequest): string | undefined {
  const path = req.route?.path
  if (path === undefined) return undefined
  const own = Array.isArray(path) ? String(path[0]) : String(path)
  const mount = req.baseUrl ?? ''
  return own === '/' && mount !== '' ? mount : `${mount}${own}`
}
