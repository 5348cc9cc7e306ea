import { type App, appOf, isMountedApp, outermostOf, type Router, routerOf } from './app.ts'
import { compiledLayer, type Layer, type LayerOptions } from './layer.ts'
import { type Pattern, patternOf } from './layer-pattern.ts'

/** What `req.route` is: made once when the app is built, the same object for every request that it answers. */
export interface Route {
  readonly path: unknown
}

/** One way from the outermost app to a route: the mounts on the way, and the route itself. */
export interface Way {
  readonly top: App
  readonly mounts: readonly Pattern[]
  readonly route: Pattern
  /** The route stands behind a function that cannot be looked into, so the path alone says whether this is its way. */
  readonly isGuess?: true
}

/** A function on the way that may lead to a router of its own. */
interface Closure {
  readonly top: App
  readonly mounts: readonly Pattern[]
  readonly layer: Layer
  readonly router: Router
}

/** So many ways to one route are told apart; a router is seldom mounted more than a few times. */
const maxWays = 64
const maxDepth = 32
/** So many requests are watched for a mounted app that was not known yet: one may never be asked, or be a stranger for good. */
const maxWatched = 10_000

/** The routers and apps behind an app, as far as Express shows them. */
export interface RouteTree {
  /** A request came to this app: its tree, up to the outermost app that it is mounted in, is the one to look in. */
  enter(app: App): void
  /** A request came through this app, so it is mounted in its parent. */
  learn(app: App): void
  /** Whether a request has to be watched: for handlers behind routes, and where the tree does not tell all. */
  readonly isWatchNeeded: boolean
  /**
   * Whether handlers stand behind routes that the `params` of a request tell from them without a watch: on Express 5.3, where
   * they are a plain object for a handler without a path, and one without a prototype for a route.
   */
  readonly hasPlainHandlers: boolean
  /** Whether these `params` are those of a handler that no route has, as Express has matched it just now. */
  isHandlerEntered(params: unknown): boolean
  /** Another number whenever the ways may have changed. */
  readonly version: number
  /**
   * The ways to a route; none if it is not in the tree.
   *
   * @param app in which it was entered
   * @param first the app in which the request was seen first
   */
  ways(route: Route, app: App | undefined, first: App | undefined): readonly Way[]
}

/** A mounted app stands in its parent's stack as a closure, so it is known from the first request that came through it. */
const mounted = new WeakMap<App, Set<App>>()
let mountedCount = 0

export function createRouteTree(): RouteTree {
  const outermost = new Set<App>()
  const patterns = new WeakMap<Layer, Pattern>()
  let known = new WeakMap<Route, Way[]>()
  let guessed = new WeakMap<Route, Way[]>()
  let closures: Closure[] = []
  /** The apps that requests came to. */
  const entered = new Set<App>()
  /** Apps that a function of the app calls, so that nothing leads to them. */
  const foreign = new Set<App>()
  /** What was walked, with the length of its stack: it tells of routes and mounts that were added since. */
  let walked = new Map<Router | App, number>()
  /** Layers of no route and no router. */
  let handlers = new Set<Layer>()
  /** Whether one of them stands behind a route, so that the route may pass a request on to it. */
  let hasLateHandlers = false
  let hasPlainHandlers = false
  /** Whether a route may have plain `params` as well: of a RegExp, or merged with those of a mount. */
  let hasPlainRoutes = false
  let hasRoutes = false
  /** Mounted apps that no request has shown yet. */
  let strangers = 0
  let isStale = true
  let mountedThen = 0
  let watched = 0
  /** How often a route was looked for in vain. */
  let attempts = 0
  let version = 0

  function walk(
    router: Router,
    app: App | undefined,
    top: App,
    mounts: readonly Pattern[],
    above: readonly Router[],
    isGuess?: true,
  ): void {
    walked.set(app ?? router, router.stack.length)
    if (above.includes(router) || above.length > maxDepth) return
    const options = { sensitive: router.caseSensitive, strict: false, end: false }
    const inside = [...above, router]
    hasPlainRoutes ||= router.mergeParams === true
    let mountedApps = 0
    for (const layer of router.stack) {
      if (layer.route !== undefined) {
        const route = pattern(layer, layer.route.path, { ...options, strict: router.strict, end: true })
        const ways = known.get(layer.route) ?? []
        if (ways.length < maxWays) ways.push({ top, mounts, route, ...(isGuess && { isGuess }) })
        known.set(layer.route, ways)
        hasRoutes = true
        hasPlainRoutes ||= isRegExp(layer.route.path)
        continue
      }
      const own = pattern(layer, layer.rawPath, options)
      const behind = routerOf(layer.handle)
      if (behind !== undefined) walk(behind, appOf(layer.handle), top, [...mounts, own], inside, isGuess)
      else if (app !== undefined && isMountedApp(layer.handle)) {
        mountedApps += 1
        mountedBehind(layer, own, mounted.get(app) ?? new Set(), options).forEach(([child, mount]) => {
          walkApp(child, top, [...mounts, mount], inside, isGuess)
        })
      } else if (typeof layer.handle === 'function' && layer.handle.length <= 3) {
        handlers.add(layer)
        if (layer.rawPath === '/') hasPlainHandlers ||= hasRoutes
        else hasLateHandlers ||= hasRoutes
        if (own.constant !== '/') closures.push({ top, mounts: [...mounts, own], layer, router })
      }
    }
    if (app !== undefined) strangers += Math.max(mountedApps - (mounted.get(app)?.size ?? 0), 0)
  }

  function walkApp(
    app: App,
    top: App,
    mounts: readonly Pattern[],
    above: readonly Router[],
    isGuess?: true,
  ): void {
    const router = routerOf(app)
    if (router !== undefined) walk(router, app, top, mounts, above, isGuess)
    else walked.set(app, 0)
  }

  function pattern(layer: Layer, raw: unknown, options: LayerOptions): Pattern {
    let found = patterns.get(layer)
    if (found === undefined) {
      found = patternOf(layer, raw, options)
      patterns.set(layer, found)
    }
    return found
  }

  function learn(app: App): void {
    let top = app
    for (; top.parent !== undefined; top = top.parent) {
      const children = mounted.get(top.parent) ?? new Set()
      mounted.set(top.parent, children)
      if (children.has(top)) continue
      children.add(top)
      mountedCount += 1
    }
  }

  /** A router that the app calls from a function of its own: the ways through every such function. */
  function guess(route: Route): readonly Way[] {
    let ways = guessed.get(route)
    if (ways === undefined) {
      ways = closures.slice(0, maxWays).map(({ top, mounts, layer, router }) => {
        const options = { sensitive: router.caseSensitive, strict: router.strict, end: true }
        return { top, mounts, route: compiled(layer, route.path, options).pattern, isGuess: true }
      })
      guessed.set(route, ways)
    }
    return ways
  }

  function build(): void {
    known = new WeakMap()
    guessed = new WeakMap()
    walked = new Map()
    closures = []
    handlers = new Set()
    hasLateHandlers = false
    hasPlainHandlers = false
    hasPlainRoutes = false
    hasRoutes = false
    strangers = 0
    for (const app of outermost) walkApp(app, app, [], [])
    const roots = [...outermost].map((top) => ({ top, mounts: [] }))
    const prefixes = [...roots, ...closures.slice(0, maxWays)]
    for (const app of foreign) for (const { top, mounts } of prefixes) walkApp(app, top, mounts, [], true)
    isStale = false
    mountedThen = mountedCount
    version += 1
  }

  function refresh(): void {
    if (isStale || mountedThen !== mountedCount) build()
  }

  /** A look at the length of every stack: Express itself goes through each of them, with an expression for each layer. */
  function hasGrown(): boolean {
    for (const [router, size] of walked) if ((routerOf(router)?.stack.length ?? 0) !== size) return true
    return false
  }

  return {
    enter(app) {
      if (entered.has(app)) return
      entered.add(app)
      isStale = true
      learn(app)
      outermost.add(outermostOf(app))
    },
    learn,
    get isWatchNeeded() {
      refresh()
      const isDoubtful = outermost.size > 1 || foreign.size > 0 || attempts > 0
      if (hasLateHandlers || (hasPlainHandlers && hasPlainRoutes)) return true
      return isDoubtful || (strangers > 0 && watched++ < maxWatched)
    },
    get hasPlainHandlers() {
      // Asked for an answer of 404 only, and what was added since the last call may have changed it.
      isStale ||= hasGrown()
      refresh()
      return hasPlainHandlers && !hasPlainRoutes
    },
    isHandlerEntered(params) {
      refresh()
      // Express 5.3 keeps the match in the request only: there, what behind a route is no error is a handler.
      for (const layer of handlers) if (layer.params === params || layer.rawPath !== undefined) return true
      return false
    },
    get version() {
      isStale ||= mountedThen !== mountedCount || hasGrown()
      return isStale ? version + 1 : version
    },
    ways(route, app, first) {
      if (isStale) build()
      if (!known.has(route) && attempts < maxWays) {
        // It stands in the place of another one, or in an app that a function calls; or it is made for this request.
        if (app !== undefined && !walked.has(app)) foreign.add(app)
        build()
        if (!known.has(route)) attempts += 1
      }
      const ways = known.get(route) ?? guess(route)
      if (outermost.size === 1 || first === undefined) return ways
      const top = outermostOf(first)
      const own = ways.filter((way) => way.top === top)
      return own.length > 0 ? own : ways
    },
  }
}

/**
 * The apps that may stand behind a closure in the stack, with their mounts. Each app remembers the last place where it was
 * mounted; an app mounted in two places stands behind the layers as well that no app remembers.
 */
function mountedBehind(
  layer: Layer,
  own: Pattern,
  children: ReadonlySet<App>,
  options: LayerOptions,
): Array<[App, Pattern]> {
  const remembered = [...children].map((child) => [child, compiled(layer, child.mountpath, options)] as const)
  const here = remembered.filter(([, { layer: other }]) => isSamePath(layer, other))
  if (here.length > 0) return here.map(([child, { pattern }]) => [child, pattern])
  return remembered.flatMap(([child, { pattern }]) => [
    [child, pattern],
    [child, own],
  ])
}

function compiled(layer: Layer, path: unknown, options: LayerOptions): { layer: Layer; pattern: Pattern } {
  const made = compiledLayer(layer, path, options)
  return { layer: made, pattern: patternOf(made, path, options) }
}

function isRegExp(path: unknown): boolean {
  return [path].flat(Number.POSITIVE_INFINITY).some((one) => one instanceof RegExp)
}

/** Whether two layers were made of the same path, where Express keeps something of it. */
function isSamePath(a: Layer, b: Layer): boolean {
  if (a.regexp !== undefined) return a.regexp.source === b.regexp?.source
  return a.rawPath !== undefined && String(a.rawPath) === String(b.rawPath)
}
