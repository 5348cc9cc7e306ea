import { isProxy } from 'node:util/types'
import type { Context } from 'koa'
import { mounted } from './mounts.ts'
import { noteRoute, type Seen, seenOf } from './seen-routes.ts'

/** One entry of the stack of @koa/router and koa-router: a route, or a middleware of `router.use()`, which has no methods. */
interface Layer {
  readonly path: string | RegExp
  readonly methods: readonly string[]
  readonly opts?: { readonly strict?: unknown }
}

interface Router {
  readonly stack?: readonly Layer[]
  readonly exclusive?: boolean
  readonly opts?: { readonly exclusive?: unknown }
}

/** A context with the properties that @koa/router (8 to 15) and koa-router (7 to 14) add. */
export interface RoutedContext extends Context {
  /** The layers of all routers so far whose path matched, in the order in which they run. */
  matched?: readonly Layer[]
  /** The last router that the request came to; koa-router before 7.2 does not set it. */
  router?: Router
}

/** Routers that assign the path of each layer. Those before version 9 assign only what the layer captured. */
const pathWriters = new WeakSet<object>()

/** Returns whether the router of the context assigns the path of each layer. */
export function writesPaths({ router }: RoutedContext): boolean {
  return router !== undefined && pathWriters.has(router)
}

/** Notes that a layer is about to run. A router first assigns what the layer captured, then, from version 9 on, its path. */
export function onCaptures(ctx: RoutedContext): void {
  if (ctx.matched === undefined || writesPaths(ctx)) return
  const seen = seenOf(ctx)
  const { route, expressRoute, responded, turns } = seen
  const before = { route, expressRoute, ran: turns.ran.length, responded: responded.length }
  takeTurn(ctx, seen, undefined)
  turns.before = before
}

/** Notes the path of the layer that is about to run, and undoes what `onCaptures()` concluded for it without the path. */
export function onRouterPath(ctx: RoutedContext, path: unknown): void {
  const seen = seenOf(ctx)
  const { before, ran } = seen.turns
  if (before !== undefined) {
    if (ctx.router !== undefined) pathWriters.add(ctx.router)
    seen.route = before.route
    seen.expressRoute = before.expressRoute
    ran.length = Math.min(ran.length, before.ran)
    seen.responded.length = before.responded
  }
  takeTurn(ctx, seen, path)
}

function takeTurn(ctx: RoutedContext, seen: Seen, path: unknown): void {
  const { turns } = seen
  turns.before = undefined
  const { matched } = ctx
  // The stack of a router is a plain list. Reading a proxy could run code of the app.
  if (!Array.isArray(matched) || isProxy(matched)) return
  if (turns.matched !== matched) {
    turns.matched = matched
    turns.ran = []
  }
  const turn = turnOf(ctx, path, turns.ran)
  const layer = matched[turn] as Layer | undefined
  if (layer === undefined) return
  turns.ran.push(turn)
  if (layer.methods.length > 0) noteRoute(seen, ctx, mounted(templateOf(layer, path), seen))
}

/** Returns the template of a layer. Routers before version 9 keep the slash of a route `/` after its prefix, as in `/v1/`. */
function templateOf({ path, opts }: Layer, written: unknown): string {
  const template = String(path)
  return written === undefined && opts?.strict !== true ? template.replace(/(.)\/$/, '$1') : template
}

/**
 * Returns the index of the running layer in `ctx.matched`. A middleware and a route may have the same path, so their order decides.
 * Without the path, only the order is known.
 */
function turnOf({ matched = [], method, router }: RoutedContext, path: unknown, ran: number[]): number {
  const mayRun = (layer: Layer | undefined, at: number) =>
    Array.isArray(layer?.methods) &&
    (path === undefined ? !ran.includes(at) : layer.path === path) &&
    (layer.methods.length === 0 || layer.methods.includes(method)) &&
    router?.stack?.includes(layer) !== false
  // An exclusive router runs one layer, the last that matched.
  if (router?.exclusive && router.opts?.exclusive !== 'specificity') return matched.findLastIndex(mayRun)
  const from = (ran.at(-1) ?? -1) + 1
  const next = matched.findIndex((layer, at) => at >= from && mayRun(layer, at))
  return next === -1 ? matched.findIndex(mayRun) : next
}
