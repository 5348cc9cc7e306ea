import { isProxy } from 'node:util/types'
import { noteIfEnding } from './last-layer.ts'
import type { Layer, RoutedContext } from './routed-context.ts'
import { begin, noteRoute, type Seen, seenOf, type Turn } from './seen-routes.ts'

/** Notes that a layer is about to run: a router assigns what the layer captured. */
export function onCaptures(ctx: RoutedContext): void {
  const { matched } = ctx
  // The stack of a router is a plain list. Reading a proxy could run code of the app.
  if (!Array.isArray(matched) || isProxy(matched)) return
  const seen = seenOf(ctx)
  concludeTurn(seen)
  const { router, routerPath: pathBefore } = ctx
  seen.turn = { ctx, matched, router, pathBefore, begun: begin(seen, ctx) }
}

/** Finds out which layer ran last, and notes its route if it is one. */
export function concludeTurn(seen: Seen): void {
  const { turn } = seen
  if (turn === undefined) return
  seen.turn = undefined
  if (seen.matched !== turn.matched) {
    seen.matched = turn.matched
    seen.ran = undefined
  }
  const at = indexOf(turn, seen.ran ?? [])
  const layer = turn.matched[at]
  if (layer === undefined) return
  seen.ran ??= []
  seen.ran.push(at)
  if (layer.methods.length === 0) return
  const template = templateOf(layer, turn.ctx)
  noteRoute(seen, turn.begun, template)
  noteIfEnding(layer, template)
}

/** Returns the template of a layer. Routers before version 9 keep the slash of a route `/` after its prefix, as in `/v1/`. */
function templateOf({ path, opts }: Layer, { routerPath }: RoutedContext): string {
  const template = String(path)
  return routerPath === path || opts?.strict === true ? template : template.replace(/(.)\/$/, '$1')
}

/**
 * Returns the index of the layer in `matched`. A middleware and a route may have the same path, so their order decides. Without the
 * path, only the order is known.
 */
function indexOf(turn: Turn, ran: readonly number[]): number {
  const { matched, router, ctx, pathBefore } = turn
  const { routerPath } = ctx
  // An exclusive router runs one layer, the last that matched.
  if (router?.exclusive && router.opts?.exclusive !== 'specificity')
    return matched.findLastIndex((layer) => mayRun(layer, turn))
  const from = (ran.at(-1) ?? -1) + 1
  if (routerPath !== pathBefore) {
    const byPath = (layer: Layer) => layer.path === routerPath && mayRun(layer, turn)
    const next = matched.findIndex((layer, at) => at >= from && byPath(layer))
    if (next !== -1) return next
    const any = matched.findIndex(byPath)
    if (any !== -1) return any
  }
  const next = matched.findIndex((layer, at) => at >= from && mayRun(layer, turn))
  return next === -1 ? matched.findIndex((layer, at) => !ran.includes(at) && mayRun(layer, turn)) : next
}

function mayRun(layer: Layer | undefined, { router, ctx }: Turn): boolean {
  return (
    Array.isArray(layer?.methods) &&
    (layer.methods.length === 0 || layer.methods.includes(ctx.method)) &&
    router?.stack?.includes(layer) !== false
  )
}
