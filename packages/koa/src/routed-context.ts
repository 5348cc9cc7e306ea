import type { Context } from 'koa'

/** One entry of the stack of @koa/router and koa-router: a route, or a middleware of `router.use()`, which has no methods. */
export interface Layer {
  readonly path: string | RegExp
  readonly methods: readonly string[]
  readonly opts?: { readonly strict?: unknown }
  /** The handlers. */
  readonly stack?: unknown
}

export interface Router {
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
  /** The path of the last layer that ran; routers before version 9 do not set it. */
  routerPath?: unknown
}
