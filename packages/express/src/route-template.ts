import { type App, outermostOf } from './app.ts'
import { createRouteTree, type RouteTree, type Way } from './route-tree.ts'
import { isUnanswered } from './unanswered.ts'
import { watchRequest } from './watch-request.ts'
import { type RoutedRequest, type RouteVisit, visitOf, watchRoutes } from './watch-route.ts'
import { constantOf, templateBehind, templateByPath } from './way-template.ts'

/** Names the endpoints of the apps that a middleware is mounted in. */
export interface RouteTemplates {
  /** A request came to an app. @returns what `of()` has to be given for it */
  enter(req: RoutedRequest): RouteTree | undefined
  /** The template of the route that responded, with all its mounts; `undefined` if none did. */
  of(req: RoutedRequest, statusCode: number, entered: RouteTree | undefined): string | undefined
}

/**
 * Templates come from the tree of routers, where the route is found by identity: once for each route. What Express keeps of
 * a request in its layers or in `baseUrl` belongs to whoever came last, or holds values of parameters.
 *
 * On Express 5.3 the TracingChannel `express.router.request` shows the same names, but it makes Express trace every handler of a
 * request (test/bench/README.md has the figures), so the walk serves all versions.
 *
 * Everything is kept weakly by app: apps may be made for each tenant or for each request.
 */
export function createRouteTemplates(): RouteTemplates {
  const trees = new WeakMap<App, RouteTree>()
  /** By prototype of requests: one look where the app of a request takes several. */
  const known = new WeakMap<object, RouteTree>()

  function treeOf(app: App): RouteTree {
    const top = outermostOf(app)
    let tree = trees.get(top)
    if (tree === undefined) {
      tree = createRouteTree(top)
      trees.set(top, tree)
    }
    return tree
  }

  /** The ways to the route, from the app in which the request was seen first. */
  function waysTo({ route, app }: RouteVisit, first: RouteTree): readonly Way[] {
    const ways = first.ways(route)
    if (ways !== undefined) return ways
    // An app that a function or a route of the first one calls: its own names, perhaps behind that function.
    const inner = app === undefined ? undefined : treeOf(app)
    const own = inner === first ? undefined : inner?.ways(route)
    if (own === undefined) {
      first.doubt()
      return first.guess(route)
    }
    return first.closures.flatMap((before) =>
      own.map((way): Way => ({ mounts: [...before, ...way.mounts], route: way.route, isGuess: true })),
    )
  }

  return {
    enter(req) {
      const prototype = Object.getPrototypeOf(req) as object
      let tree = known.get(prototype)
      if (tree === undefined) {
        if (req.app === undefined) return undefined
        tree = treeOf(req.app)
        if (Object.hasOwn(prototype, 'app')) known.set(prototype, tree)
        watchRoutes(prototype)
      }
      if (tree.isWatchNeeded()) watchRequest(req, tree)
      return tree
    },

    of(req, statusCode, entered) {
      const visit = visitOf(req)
      if (visit === undefined || (!visit.hasResponded && isUnanswered(req, statusCode))) return undefined
      const tree = entered ?? (visit.app === undefined ? undefined : treeOf(visit.app))
      if (tree === undefined) return ownPath(visit)
      const templates = tree.templates()
      const template = templates.get(visit.route)
      if (template !== undefined) return template
      const ways = waysTo(visit, tree)
      const [way] = ways
      const only = ways.length === 1 && way !== undefined && !way.isGuess ? constantOf(way) : undefined
      if (only !== undefined) templates.set(visit.route, only)
      return only ?? templateByPath(ways, pathsOf(req)) ?? templateBehind(tree, visit) ?? ownPath(visit)
    },
  }
}

function ownPath({ route }: RouteVisit): string {
  return String([route.path].flat(Number.POSITIVE_INFINITY)[0])
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
