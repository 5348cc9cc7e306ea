import type { Context } from 'koa'
import { watchAccessor, watchContext } from './watch-context.ts'

/** One entry of the stack of @koa/router and koa-router: a route, or without methods what `router.use()` was given. */
interface Layer {
  readonly path: string | RegExp
  readonly methods: readonly string[]
}

/** What @koa/router (12 to 15) and koa-router (12 to 14) put on a context. */
interface RoutedContext extends Context {
  /** Layers whose path matched, of every router that was asked, in the order in which they run. */
  matched?: readonly Layer[]
  router?: {
    readonly stack?: readonly Layer[]
    readonly exclusive?: boolean
    readonly opts?: { readonly exclusive?: unknown }
  }
  _matchedRoute?: unknown
}

/** What routers and mounts have told of one request. */
interface Seen {
  /** Template of the last route that ran. */
  route: string | undefined
  /** How many layers of `ctx.matched` had their turn. */
  turns: number
  /** Prefixes that koa-mount took off and has not put back, each with the path before it. */
  mounts: Mount[] | undefined
}

interface Mount {
  readonly prefix: string
  readonly path: string
}

// Shared by the copies of this package in a process: only the first of them watches an app.
const seenKey: unique symbol = Symbol.for('@px-usage/koa.seen') as never
const watchedKey: unique symbol = Symbol.for('@px-usage/koa.watched') as never
type Watchable = { [seenKey]?: Seen; [watchedKey]?: true }

function seenOf(ctx: Context): Seen {
  const watchable = ctx as Watchable
  watchable[seenKey] ??= { route: undefined, turns: 0, mounts: undefined }
  return watchable[seenKey]
}

/** The template of the last route that ran, under the prefixes of koa-mount; `undefined` if none ran. */
export function routeTemplate(ctx: RoutedContext): string | undefined {
  const seen = (ctx as Watchable)[seenKey]
  if (seen !== undefined) return seen.route
  // Routers before koa-router 8 write nothing else, and only when a route matched.
  return ctx._matchedRoute === undefined ? undefined : String(ctx._matchedRoute)
}

/** To be called when a request comes, before any router. Does its work once per app. */
export function watchRoutes(ctx: Context): void {
  const { context } = ctx.app
  if ((context as Watchable)[watchedKey]) return
  Object.defineProperty(context, watchedKey, { value: true })
  watchContext(context, 'routerPath', onLayer)
  watchContext(context, 'routePath', onRoute)
  watchContext(context, 'mountPath', onMount)
  watchAccessor(context, 'path', onPath)
  if (Object.hasOwn(ctx, 'mountPath')) noteMountsBefore(ctx)
}

/** A layer of a router is about to run: each writes its path first, whether it is a route or a guard. */
function onLayer(ctx: RoutedContext, path: unknown): void {
  const seen = seenOf(ctx)
  const turn = turnOf(ctx, path, seen.turns)
  const layer = ctx.matched?.[turn]
  if (layer === undefined) return
  seen.turns = turn + 1
  if (layer.methods.length > 0) seen.route = named(layer.path, seen)
}

/** Where in `ctx.matched` the running layer is. A guard and a route may have the same path: their order tells them apart. */
function turnOf({ matched = [], method, router }: RoutedContext, path: unknown, from: number): number {
  const mayRun = (layer: Layer) =>
    layer.path === path &&
    (layer.methods.length === 0 || layer.methods.includes(method)) &&
    router?.stack?.includes(layer) !== false
  // An exclusive router runs one layer, the last that matched.
  if (router?.exclusive && router.opts?.exclusive !== 'specificity') return matched.findLastIndex(mayRun)
  const next = matched.findIndex((layer, at) => at >= from && mayRun(layer))
  return next === -1 ? matched.findIndex(mayRun) : next
}

/** koa-route has no layers: a route that is about to run writes its path. */
function onRoute(ctx: Context, path: unknown): void {
  const seen = seenOf(ctx)
  if (typeof path === 'string' || path instanceof RegExp) seen.route = named(path, seen)
}

/** koa-mount is about to take the prefix off the path. */
function onMount(ctx: Context, prefix: unknown): void {
  if (typeof prefix !== 'string') return
  const seen = seenOf(ctx)
  seen.mounts ??= []
  seen.mounts.push({ prefix, path: ctx.path })
}

/** koa-mount leaves by putting back the path that it found; what the app makes of the path meanwhile is another one. */
function onPath(ctx: Context, path: unknown): void {
  const mounts = (ctx as Watchable)[seenKey]?.mounts
  if (mounts?.at(-1)?.path === path) mounts?.pop()
}

/** In the first request of an app, mounts around this middleware come before the watch. */
function noteMountsBefore(ctx: Context): void {
  const path = ctx.originalUrl.replace(/\?.*/s, '')
  if (!path.endsWith(ctx.path) && ctx.path !== '/') return
  const prefix = ctx.path === '/' ? path.replace(/\/$/, '') : path.slice(0, -ctx.path.length)
  if (!prefix.endsWith(ctx.mountPath)) return
  const outer = prefix.slice(0, -ctx.mountPath.length)
  const inner = { prefix: ctx.mountPath, path: path.slice(outer.length) }
  seenOf(ctx).mounts = outer === '' ? [inner] : [{ prefix: outer, path }, inner]
}

function named(path: string | RegExp, { mounts = [] }: Seen): string {
  const own = String(path)
  const mount = mounts.map(({ prefix }) => prefix.replace(/\/$/, '')).join('')
  return own === '/' && mount !== '' ? mount : `${mount}${own}`
}
