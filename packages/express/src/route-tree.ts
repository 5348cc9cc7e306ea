import { type App, appOf, type Router, routerOf } from './app.ts'
import { compiledLayer, forEachLayer, type Layer, type LayerOptions } from './layer.ts'
import { type Pattern, patternOf } from './layer-pattern.ts'
import { isNamedMount, mountsOf } from './mounts/mount-places.ts'
import { mountedIn, mountsVersion } from './mounts/mounted-apps.ts'
import { createSnapshot, type Snapshot } from './stack-snapshot.ts'

/** The value of `req.route`. Express creates it once when the app is built, and uses the same object for every request. */
export interface Route {
  readonly path: unknown
  readonly stack?: unknown
}

/** One way from the outermost app to a route: the mounts that lead to it, and the route itself. */
export interface Way {
  readonly mounts: readonly Pattern[]
  readonly route: Pattern
  /** Set if the route may be in a router that a function of the app calls. The path of the request must confirm such a way. */
  readonly isGuess?: true
}

/** A function in a router that may call another router. */
interface Closure {
  readonly mounts: readonly Pattern[]
  readonly layer: Layer
  readonly router: Router
}

/** The most ways to one route that are distinguished. A router is seldom mounted more than a few times. */
const maxWays = 64
const maxDepth = 32
/** The most requests that are watched to find a mounted app. An app may never get a request, or may never be found. */
const maxWatched = 10_000

/** The routers and apps in an outermost app, as far as Express shows them. */
export interface RouteTree {
  /** Returns the ways to a route, or `undefined` if it is not in the tree. Walks the tree again if it has changed. */
  ways(route: Route): readonly Way[] | undefined
  /** Returns possible ways through functions of the app, for a route of a router that such a function calls. */
  guess(route: Route): readonly Way[]
  /** The mounts of such functions. The first entry is empty, for a function without a path. */
  readonly closures: ReadonlyArray<readonly Pattern[]>
  /** Returns the templates that were found, by route. A change of the tree discards them. */
  templates(): WeakMap<Route, string>
  /**
   * Returns whether the next request must be watched: because a route may pass it on to a handler that was registered later, or
   * because some mounted apps are still unknown.
   */
  isWatchNeeded(): boolean
  /** Notes a request to a route that is not in the tree. It may be in an app that is mounted as a function without its name. */
  noteUnknownRoute(): void
  /** Returns whether these `params` belong to a handler outside all routes that Express has just matched. */
  isHandlerEntered(params: unknown): boolean
}

/** Creates the tree of an outermost app. It is walked again when a stack has changed since the last walk. */
export function createRouteTree(top: App): RouteTree {
  const patterns = new WeakMap<Layer, Pattern>()
  let known = new WeakMap<Route, Way[]>()
  let guessed = new WeakMap<Route, Way[]>()
  let named = new WeakMap<Route, string>()
  let closures: Closure[] = []
  let snapshots: Snapshot[] = []
  /** Layers whose handler is neither a route nor a router. */
  let handlers = new Set<Layer>()
  let hasLateHandlers = false
  let hasRoutes = false
  /** Mounted apps through which no request has come yet. */
  let unseenApps = 0
  let hasUnknownRoutes = false
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
    unseenApps += Math.max(functions.filter(isNamedMount).length - children.length, 0)
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

  /** Walks the routers among a route's handlers. They see the whole path, because a route removes nothing from it. */
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
    unseenApps = 0
    walkApp(top, [], [])
  }

  /**
   * Walks the tree again if a stack has changed. The comparison costs less than Express itself spends on a request without a route,
   * for which it runs the expression of every layer.
   */
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
      return hasLateHandlers || ((unseenApps > 0 || hasUnknownRoutes) && watched++ < maxWatched)
    },

    noteUnknownRoute() {
      hasUnknownRoutes = true
    },

    isHandlerEntered(params) {
      refresh()
      // Router 2.3 keeps the match in the request only. There, whatever follows a route and is not an error is a handler.
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

/** Returns the pattern that a path would have in place of a layer, or `undefined` if Express rejects the path. */
function compiled(layer: Layer, path: unknown, options: LayerOptions): Pattern | undefined {
  try {
    return patternOf(compiledLayer(layer, path, options), path, options)
  } catch {
    return undefined
  }
}
