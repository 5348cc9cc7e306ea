import { isProxy } from 'node:util/types'
import { createSlot, hasNoNext } from '@px-usage/http'
import type { Context } from 'koa'
import type { Layer, RoutedContext } from './routed-context.ts'
import { knownOf, nothingSeen, type Seen, setSeen } from './seen-routes.ts'

/** What was found out about a layer, as long as it has this path and this last handler. */
interface Ending {
  readonly path: unknown
  readonly last: unknown
  /** What is known of every request that ends in the layer; `undefined` if requests may go on. */
  readonly seen: Readonly<Seen> | undefined
}

const endings = createSlot<Ending>()

function endingOf(layer: Layer | undefined): Ending | undefined {
  const ending = endings.get(layer)
  return ending?.path === layer?.path && ending?.last === lastHandlerOf(layer) ? ending : undefined
}

function lastHandlerOf(layer: Layer | undefined): unknown {
  return Array.isArray(layer?.stack) ? layer.stack.at(-1) : undefined
}

/** Notes whether the last handler of a layer gets no `next`, so that no other route can run after it. Reads a handler once. */
export function noteIfEnding(layer: Layer, template: string): void {
  if (endingOf(layer) !== undefined) return
  const last = lastHandlerOf(layer)
  const seen = hasNoNext(last, 1) ? Object.freeze({ ...nothingSeen, route: template }) : undefined
  endings.set(layer, { path: layer.path, last, seen })
}

/**
 * Names a request that comes to its first route, if only one layer can run and nothing can run after it. Most requests are of this kind,
 * and they need no object of their own.
 *
 * @returns whether the request is named, so that it need not be watched any more
 */
export function isNamedByLayer(ctx: RoutedContext & Context): boolean {
  if (knownOf(ctx) !== undefined || (ctx.req as { route?: unknown }).route !== undefined) return false
  const seen = endingOf(onlyLayer(ctx))?.seen
  if (seen === undefined) return false
  setSeen(ctx, seen)
  return true
}

/** Returns the layer that runs, if it is a route and no other layer can run. */
function onlyLayer({ matched, method }: RoutedContext): Layer | undefined {
  if (!Array.isArray(matched) || isProxy(matched)) return undefined
  let only: Layer | undefined
  for (let at = 0; at < matched.length; at++) {
    const layer = matched[at] as Layer | undefined
    const methods = layer?.methods
    if (!Array.isArray(methods) || methods.length === 0) return undefined
    if (!methods.includes(method)) continue
    if (only !== undefined) return undefined
    only = layer
  }
  return only
}
