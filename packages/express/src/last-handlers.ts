import { createSlot, hasNoNext } from '@px-usage/http'
import type { Route } from './route-tree.ts'

/** The number of handlers that a route had when it was found to end its requests. */
const endingAt = createSlot<number>()

/** Notes a route whose handlers cannot pass a request on after they have responded, if it is one. */
export function noteIfEnding(route: Route): void {
  const { stack } = route
  if (Array.isArray(stack) && endsRequests(stack)) endingAt.set(route, stack.length)
}

/** Returns whether a route was noted, and has got no further handler since. */
export function isEnding(route: unknown): boolean {
  const handlers = endingAt.get(route)
  return handlers !== undefined && (route as { stack: readonly unknown[] }).stack.length === handlers
}

interface Handler {
  readonly handle?: unknown
  /** `undefined` for a handler of all methods. */
  readonly method?: unknown
}

/** Returns whether the last handler for each method gets no `next`. */
function endsRequests(stack: readonly Handler[]): boolean {
  const methods = new Set<unknown>()
  for (const { handle, method } of stack.toReversed()) {
    if (!methods.has(method) && !hasNoNext(handle, 2)) return false
    methods.add(method)
  }
  return methods.size > 0
}
