import { createSlot, hasNoNext } from '@px-usage/http'
import type { Route } from './route-tree.ts'
import { createSnapshot, type Snapshot } from './stack-snapshot.ts'

/** The handlers that a route had when it was found to end its requests. */
const endingWith = createSlot<Snapshot>()

/** Notes a route whose handlers cannot pass a request on after they have responded, if it is one. */
export function noteIfEnding(route: Route): void {
  const { stack } = route
  if (!Array.isArray(stack) || !endsRequests(stack)) return
  const router = route as Route & { readonly stack: readonly unknown[] }
  endingWith.set(route, createSnapshot(router, router, undefined))
}

/** Returns whether a route was noted, and has the same handlers since. */
export function isEnding(route: unknown): boolean {
  return endingWith.get(route)?.hasChanged() === false
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
