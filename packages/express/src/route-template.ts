import { type App, outermostOf } from './app.ts'
import { noteIfEnding } from './last-handlers.ts'
import { createRouteTree, type RouteTree, type Way } from './route-tree.ts'
import { isUnhandled } from './unhandled.ts'
import { watchRequest } from './watch-request.ts'
import { type RoutedRequest, type RouteVisit, visitOf, watchRoutes } from './watch-route.ts'
import { constantOf, templateBehind, templateByPath } from './way-template.ts'

/** Names the endpoints of the apps that a middleware is mounted in. */
export interface RouteTemplates {
  /** Notes that a request arrived at an app. @returns the value that `of()` takes as `entered` */
  enter(req: RoutedRequest): RouteTree | undefined
  /** Returns the template of the route that responded, with all its mounts, or `undefined` if no route responded. */
  of(req: RoutedRequest, statusCode: number, entered: RouteTree | undefined): string | undefined
}

/**
 * Creates the names of endpoints. A name is read from the tree of routers, where each route is found once, by identity.
 * Layers and `baseUrl` are no source of names: layers hold the state of the last request of all, and `baseUrl` holds parameter values.
 *
 * On Express 5.3 the TracingChannel `express.router.request` shows the same names, but it makes Express trace every handler of a
 * request, so all versions use the tree.
 *
 * All state is kept by weak references to apps, because a process may create apps for each request and drop them again.
 */
export function createRouteTemplates(): RouteTemplates {
  const trees = new WeakMap<App, RouteTree>()
  /** Trees by prototype of the requests: one look-up, where finding the outermost app of a request takes several. */
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

  /** Returns the ways to the route, from the app whose middleware saw the request first. */
  function waysTo({ route, app }: RouteVisit, first: RouteTree): readonly Way[] {
    const ways = first.ways(route)
    if (ways !== undefined) return ways
    // The route belongs to an app that a function or a route of the first app calls. It gets that app's names.
    const inner = app === undefined ? undefined : treeOf(app)
    const own = inner === first ? undefined : inner?.ways(route)
    if (own === undefined) {
      first.noteUnknownRoute()
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
      if (visit === undefined || (!visit.hasResponded && isUnhandled(req, statusCode))) return undefined
      const tree = entered ?? (visit.app === undefined ? undefined : treeOf(visit.app))
      if (tree === undefined) return ownPath(visit)
      const templates = tree.templates()
      const template = templates.get(visit.route)
      if (template !== undefined) return template
      const ways = waysTo(visit, tree)
      const [way] = ways
      const only = ways.length === 1 && way !== undefined && !way.isGuess ? constantOf(way) : undefined
      if (only !== undefined) {
        templates.set(visit.route, only)
        noteIfEnding(visit.route)
      }
      return only ?? templateByPath(ways, pathsOf(req)) ?? templateBehind(tree, visit) ?? ownPath(visit)
    },
  }
}

function ownPath({ route }: RouteVisit): string {
  return String([route.path].flat(Number.POSITIVE_INFINITY)[0])
}

/**
 * Yields the path as the routers saw it, including rewrites by a middleware: what the routers removed is still in `baseUrl`, or back
 * in `url`. Then yields the original path, for an app that changes `url` afterwards.
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
