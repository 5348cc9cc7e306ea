import { isProxy } from 'node:util/types'
import { createSlot, hasNoNext } from '@px-usage/http'
import type { Context } from 'koa'
import type { Layer, RoutedContext } from './routed-context.ts'
import { knownOf, nothingSeen, type Seen, setSeen } from './seen-routes.ts'

/** What is known of every request that ends in a layer: the layer names it. */
interface Ending {
  /** The number of handlers that the layer had. */
  readonly handlers: number
  readonly seen: Readonly<Seen>
}

const endings = createSlot<Ending>()

/** Notes a layer whose last handler gets no `next`, so that no other route can run after it. */
export function noteIfEnding(layer: Layer, template: string): void {
  const { stack } = layer
  if (!Array.isArray(stack) || !hasNoNext(stack.at(-1), 1)) return
  endings.set(layer, { handlers: stack.length, seen: Object.freeze({ ...nothingSeen, route: template }) })
}

/**
 * Names a request that comes to its first route, if only one layer can run and nothing can run after it. Most requests are of this kind,
 * and they need no object of their own.
 *
 * @returns whether the request is named, so that it need not be watched any more
 */
export function isNamedByLayer(ctx: RoutedContext & Context): boolean {
  if (knownOf(ctx) !== undefined || (ctx.req as { route?: unknown }).route !== undefined) return false
  const ending = endings.get(onlyLayer(ctx))
  if (ending === undefined) return false
  setSeen(ctx, ending.seen)
  return true
}

/** Returns the layer that runs, if it is a route, no other layer can run, and it has its noted handlers. */
function onlyLayer({ matched, method }: RoutedContext): Layer | undefined {
  if (!Array.isArray(matched) || isProxy(matched)) return undefined
  let only: Layer | undefined
  for (let at = 0; at < matched.length; at++) {
    const layer = matched[at] as Layer
    const { methods } = layer
    if (!Array.isArray(methods) || methods.length === 0) return undefined
    if (!methods.includes(method)) continue
    if (only !== undefined) return undefined
    only = layer
  }
  const stack = only?.stack
  return Array.isArray(stack) && stack.length === endings.get(only)?.handlers ? only : undefined
}
