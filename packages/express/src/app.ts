import type { Layer } from './layer.ts'

/** A router, as much of it as Express shows. */
export interface Router {
  readonly stack: readonly Layer[]
  readonly caseSensitive?: boolean
  readonly strict?: boolean
  readonly mergeParams?: boolean
}

export interface App {
  /** The app in which this one was mounted last; of an app that was mounted in a router, nothing. */
  readonly parent?: App | undefined
  readonly mountpath?: unknown
}

/** The router behind a handler, where it is one or an app that has one already. */
export function routerOf(handle: unknown): Router | undefined {
  const { stack } = handle as { stack?: unknown }
  if (Array.isArray(stack)) return handle as Router
  const app = appOf(handle)
  if (app === undefined) return undefined
  // Express 4 makes the router at the first route, and throws where Express 5 keeps it.
  const { _router } = app as { _router?: Router }
  if (_router !== undefined || 'lazyrouter' in app) return _router
  return (app as { router?: Router }).router
}

export function appOf(handle: unknown): App | undefined {
  const { handle: handles, set } = handle as { handle?: unknown; set?: unknown }
  return typeof handles === 'function' && typeof set === 'function' ? (handle as App) : undefined
}

/** The closure in which an app puts an app that is mounted in it. */
export function isMountedApp(handle: unknown): boolean {
  return typeof handle === 'function' && handle.name === 'mounted_app'
}

export function outermostOf(app: App): App {
  let top = app
  while (top.parent !== undefined) top = top.parent
  return top
}
