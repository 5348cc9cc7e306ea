import type { IncomingMessage, ServerResponse } from 'node:http'
import type { App } from './app.ts'
import { createRouteTree, type Route, type Way } from './route-tree.ts'
import { isUnanswered } from './unanswered.ts'
import { firstApp, watchRequest } from './watch-request.ts'

/** What Express (4 and 5) puts on a request. */
export interface RoutedRequest extends IncomingMessage {
  app?: App
  /** The route that was entered last. */
  route?: Route
  originalUrl?: string
  baseUrl?: string
  res?: ServerResponse
  /** Set while a router has the request, and put back to nothing when the outermost one lets go of it. */
  next?: unknown
}

/** Names the endpoints of one app. */
export interface RouteTemplates {
  /** A request came to this app. */
  enter(req: RoutedRequest): void
  /** The template of the route that answered, with all its mounts; `undefined` if none did. */
  of(req: RoutedRequest, statusCode: number): string | undefined
}

/**
 * Templates come from the tree of routers, where `req.route` is found by identity: once for each route. What Express keeps of
 * a request in its layers or in `baseUrl` belongs to whoever came last, or holds values of parameters.
 *
 * On Express 5.3 the TracingChannel `express.router.request` tells the same names, but it makes Express trace every handler of a
 * request. For one with six of them it adds 18, 14, 1.1 and 4.1 us of CPU on Node 20, 22, 24 and 26, the walk 1.2, 0.9, 0.2 and 0.2,
 * and the watch, where there has to be one, nothing that shows on 20 and 22, and 2.4 more on 24 and 26 (test/bench/route-lookup.ts,
 * medians of 31 rounds; bare differs from bare by 3 on 20 and 22, by 0.2 on 24 and 26). So the walk serves all versions, and on
 * 5.3 a plain 404 handler needs no watch.
 */
export function createRouteTemplates(): RouteTemplates {
  const tree = createRouteTree()
  let constants = new WeakMap<Route, string>()
  let version = tree.version
  /** `app.request` of each app: the prototype of its requests, which is read faster than a property of theirs (when-finished). */
  const prototypes = new WeakSet<object>()

  return {
    enter(req) {
      const prototype = Object.getPrototypeOf(req)
      if (!prototypes.has(prototype)) {
        if (req.app === undefined) return
        tree.enter(req.app)
        if (Object.hasOwn(prototype, 'app')) prototypes.add(prototype)
      }
      if (tree.isWatchNeeded) watchRequest(req, tree)
    },
    of(req, statusCode) {
      const { route } = req
      if (route === undefined || isUnanswered(req, statusCode, tree)) return undefined
      if (version !== tree.version) {
        version = tree.version
        constants = new WeakMap()
      }
      const constant = constants.get(route)
      if (constant !== undefined) return constant
      const ways = tree.ways(route, req.app, firstApp(req))
      const [way] = ways
      const only = ways.length === 1 && way !== undefined && !way.isGuess ? constantOf(way) : undefined
      if (only !== undefined) {
        constants.set(route, only)
        return only
      }
      return byPath(ways, pathsOf(req)) ?? String([route.path].flat(Number.POSITIVE_INFINITY)[0])
    },
  }
}

function constantOf({ mounts, route }: Way): string | undefined {
  const parts = [...mounts, route].map(({ constant }) => constant)
  return parts.includes(undefined) ? undefined : joined(parts as string[])
}

/** The template of the way that the path can have taken; where a rewritten URL fits none, of a way that needs no path. */
function byPath(ways: readonly Way[], paths: Iterable<string>): string | undefined {
  for (const path of paths)
    for (const way of ways) {
      const template = templateFor(way, path)
      if (template !== undefined) return template
    }
  for (const way of ways) {
    const constant = way.isGuess ? undefined : constantOf(way)
    if (constant !== undefined) return constant
  }
  return undefined
}

function templateFor({ mounts, route }: Way, path: string): string | undefined {
  const parts: string[] = []
  let rest = path
  for (const pattern of [...mounts, route]) {
    const taken = pattern.take(rest)
    if (taken === undefined) return undefined
    parts.push(taken.template)
    rest = taken.rest
  }
  return joined(parts)
}

/** Mounts without a slash at their end, and the route; a route `/` is its mount. */
function joined(parts: readonly string[]): string {
  const mount = parts
    .slice(0, -1)
    .map((part) => part.replace(/\/+$/, ''))
    .join('')
  const own = parts.at(-1) as string
  return (own === '/' ? mount : `${mount}${own}`) || '/'
}

/**
 * The path as the routers saw it, with what a middleware made of it: what the routers took off is still in `baseUrl`, or back in
 * `url`. Then the path as it came, for an app that changes `url` in the end.
 */
function* pathsOf({ originalUrl = '', baseUrl = '', url = '' }: RoutedRequest): Generator<string> {
  const seen = `${baseUrl}${pathname(url)}`
  yield seen
  const original = pathname(originalUrl)
  if (original !== seen) yield original
}

function pathname(url: string): string {
  const path = url.replace(/^[a-z]+:\/\/[^/?#]*/i, '')
  const end = path.search(/[?#]/)
  return end === -1 ? path : path.slice(0, end)
}
