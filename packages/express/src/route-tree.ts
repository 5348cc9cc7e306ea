import { type App, appOf, type Router, routerOf } from './app.ts'
import { compiledLayer, forEachLayer, type Layer, type LayerOptions } from './layer.ts'
import { type Pattern, patternOf } from './layer-pattern.ts'
import { isNamedMount, mountsOf } from './mount-places.ts'
import { mountedIn, mountsVersion } from './mounted-apps.ts'
import { createSnapshot, type Snapshot } from './stack-snapshot.ts'

/** What `req.route` is: made once when the app is built, the same object for every request that it answers. */
export interface Route {
  readonly path: unknown
}

/** One way from the outermost app to a route: the mounts on the way, and the route itself. */
export interface Way {
  readonly mounts: readonly Pattern[]
  readonly route: Pattern
  /** The route stands behind a function that cannot be looked into, so the path alone says whether this is its way. */
  readonly isGuess?: true
}

/** A function on the way that may lead to a router of its own. */
interface Closure {
  readonly mounts: readonly Pattern[]
  readonly layer: Layer
  readonly router: Router
}

/** So many ways to one route are told apart; a router is seldom mounted more than a few times. */
const maxWays = 64
const maxDepth = 32
/** So many requests are watched for a mounted app that is not known yet: one may never be asked, or be a stranger for good. */
const maxWatched = 10_000

/** The routers and apps behind an outermost app, as far as Express shows them. */
export interface RouteTree {
  /** The ways to a route; `undefined` if it is not in the tree, also not since it was looked at last. */
  ways(route: Route): readonly Way[] | undefined
  /** The ways through functions of the app, for a route that is in a router that such a function calls. */
  guess(route: Route): readonly Way[]
  /** The mounts of such functions; first none, for a function that has no path. */
  readonly closures: ReadonlyArray<readonly Pattern[]>
  /** Templates that were found, by route: as long as nothing in the tree changes. */
  templates(): WeakMap<Route, string>
  /**
   * Whether the next request has to be watched: handlers stand behind routes, so that a route may pass it on to one of them, or
   * apps are mounted that no request has shown yet.
   */
  isWatchNeeded(): boolean
  /** A route was not in the tree: there may be apps that are mounted behind functions whose names are lost. */
  doubt(): void
  /** Whether these `params` are those of a handler that no route has, as Express has matched it just now. */
  isHandlerEntered(params: unknown): boolean
}

export function createRouteTree(top: App): RouteTree {
  const patterns = new WeakMap<Layer, Pattern>()
  let known = new WeakMap<Route, Way[]>()
  let guessed = new WeakMap<Route, Way[]>()
  let named = new WeakMap<Route, string>()
  let closures: Closure[] = []
  let snapshots: Snapshot[] = []
  /** Layers of no route and no router. */
  let handlers = new Set<Layer>()
  let hasLateHandlers = false
  let hasRoutes = false
  /** Mounted apps that no request has shown yet. */
  let strangers = 0
  let isDoubtful = false
  let watched = 0

  function walk(
    router: Router,
    app: App | undefined,
    mounts: readonly Pattern[],
    above: readonly Router[],
    isGuess?: true,
  ): void {
    snapshots.push(createSnapshot(app ?? router, router, app === undefined ? undefined : mountsVersion(app)))
    if (above.includes(router) || above.length > maxDepth) return
    const options = { sensitive: router.caseSensitive, strict: false, end: false }
    const inside = [...above, router]
    const functions: Layer[] = []
    forEachLayer(router.stack, (layer) => {
      if (layer.route !== undefined) {
        addRoute(layer, layer.route, { ...options, strict: router.strict, end: true }, mounts, isGuess)
        walkRoute(layer.route, mounts, inside, isGuess)
        return
      }
      const behind = routerOf(layer.handle)
      const child = appOf(layer.handle)
      if (behind !== undefined) {
        walk(behind, child, [...mounts, pattern(layer, layer.rawPath, options)], inside, isGuess)
      } else if (child === undefined && (layer.handle as () => void).length <= 3) {
        functions.push(layer)
        if (isNamedMount(layer)) return
        handlers.add(layer)
        hasLateHandlers ||= hasRoutes
        const own = pattern(layer, layer.rawPath, options)
        if (own.constant !== '/') closures.push({ mounts: [...mounts, own], layer, router })
      }
    })
    if (app === undefined) return
    const children = mountedIn(app)
    strangers += Math.max(functions.filter(isNamedMount).length - children.length, 0)
    for (const child of children) {
      const places = mountsOf(child, { functions, siblings: children, options, pattern })
      for (const { mount, isGuess: isGuessed } of places)
        walkApp(child, [...mounts, mount], inside, isGuess ?? isGuessed)
    }
  }

  function addRoute(
    layer: Layer,
    route: Route,
    options: LayerOptions,
    mounts: readonly Pattern[],
    isGuess?: true,
  ): void {
    const ways = known.get(route) ?? []
    const own = pattern(layer, route.path, options)
    if (ways.length < maxWays) ways.push({ mounts, route: own, ...(isGuess && { isGuess }) })
    known.set(route, ways)
    hasRoutes = true
  }

  /** A router may be the handler of a route: it sees the whole path, as a route takes nothing off. */
  function walkRoute(
    route: { readonly stack?: unknown },
    mounts: readonly Pattern[],
    above: readonly Router[],
    isGuess?: true,
  ): void {
    if (!Array.isArray(route.stack) || !route.stack.some((layer) => isRouterLayer(layer))) return
    for (const layer of route.stack as Layer[]) {
      const behind = isRouterLayer(layer) ? routerOf(layer.handle) : undefined
      if (behind !== undefined) walk(behind, appOf(layer.handle), mounts, above, isGuess)
    }
  }

  function walkApp(app: App, mounts: readonly Pattern[], above: readonly Router[], isGuess?: true): void {
    const router = routerOf(app)
    if (router !== undefined) walk(router, app, mounts, above, isGuess)
    else snapshots.push(createSnapshot(app, undefined, mountsVersion(app)))
  }

  function pattern(layer: Layer, raw: unknown, options: LayerOptions): Pattern {
    let found = patterns.get(layer)
    if (found === undefined) {
      found = patternOf(layer, raw, options)
      patterns.set(layer, found)
    }
    return found
  }

  function build(): void {
    known = new WeakMap()
    guessed = new WeakMap()
    named = new WeakMap()
    snapshots = []
    closures = []
    handlers = new Set()
    hasLateHandlers = false
    hasRoutes = false
    strangers = 0
    walkApp(top, [], [])
  }

  /** Express itself goes through each of these layers, with an expression for each, for a request that no route takes. */
  function refresh(): void {
    if (snapshots.some((snapshot) => snapshot.hasChanged())) build()
  }

  build()
  return {
    ways(route) {
      refresh()
      return known.get(route)
    },

    guess(route) {
      let ways = guessed.get(route)
      if (ways === undefined) {
        ways = closures.slice(0, maxWays).flatMap(({ mounts, layer, router }) => {
          const options = { sensitive: router.caseSensitive, strict: router.strict, end: true }
          const own = compiled(layer, route.path, options)
          return own === undefined ? [] : [{ mounts, route: own, isGuess: true as const }]
        })
        guessed.set(route, ways)
      }
      return ways
    },

    get closures() {
      return [[], ...closures.slice(0, maxWays).map(({ mounts }) => mounts)]
    },

    templates() {
      refresh()
      return named
    },

    isWatchNeeded() {
      return hasLateHandlers || ((strangers > 0 || isDoubtful) && watched++ < maxWatched)
    },

    doubt() {
      isDoubtful = true
    },

    isHandlerEntered(params) {
      refresh()
      // Express 5.3 keeps the match in the request only: there, what behind a route is no error is a handler.
      for (const layer of handlers) if (layer.params === params || layer.rawPath !== undefined) return true
      return false
    },
  }
}

function isRouterLayer(layer: unknown): boolean {
  try {
    return routerOf((layer as Layer).handle) !== undefined
  } catch {
    return false
  }
}

/** The pattern of a path in the place of a layer; `undefined` where Express takes it for no path. */
function compiled(layer: Layer, path: unknown, options: LayerOptions): Pattern | undefined {
  try {
    return patternOf(compiledLayer(layer, path, options), path, options)
  } catch {
    return undefined
  }
}
