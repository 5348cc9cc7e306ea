/** A router, as much of it as Express shows. */
export interface Router {
  readonly stack: readonly unknown[]
  readonly caseSensitive?: boolean
  readonly strict?: boolean
  readonly mergeParams?: boolean
}

export interface App {
  /** The app in which this one was mounted last; of an app that was mounted in a router, nothing. */
  readonly parent?: App | undefined
  readonly mountpath?: unknown
  /** The prototype of the app's requests. */
  readonly request?: object
}

/** More apps in each other than anyone mounts: beyond it the chain of parents is a circle. */
const mostParents = 100

/** The router behind a handler, where it is one or an app that has one already. */
export function routerOf(handle: unknown): Router | undefined {
  if (typeof handle !== 'function') return undefined
  if (isRouter(handle)) return handle
  if (!isApp(handle)) return undefined
  const router = ownRouter(handle)
  return isRouter(router) ? router : undefined
}

/** What the app has in the place of its router. */
export function ownRouter(app: App): unknown {
  // Express 4 makes the router at the first route, and throws where Express 5 keeps it.
  const { _router } = app as { _router?: unknown }
  return _router !== undefined || 'lazyrouter' in app ? _router : (app as { router?: unknown }).router
}

/** Other things have a `stack` as well: an app of connect, Vite's dev server, an error. */
function isRouter(value: unknown): value is Router {
  if (typeof value !== 'function') return false
  const { stack, use, route, param } = value as unknown as Record<string, unknown>
  return [use, route, param].every((method) => typeof method === 'function') && Array.isArray(stack)
}

export function appOf(handle: unknown): App | undefined {
  return isApp(handle) ? handle : undefined
}

function isApp(value: unknown): value is App {
  if (typeof value !== 'function') return false
  const { handle, set, request } = value as unknown as Record<string, unknown>
  return typeof handle === 'function' && typeof set === 'function' && typeof request === 'object'
}

/** The app and those that it is mounted in, from the inside to the outside. */
export function* appAndParents(app: App): Generator<App> {
  let next: App | undefined = app
  for (let count = 0; next !== undefined && count < mostParents; count++) {
    yield next
    next = next.parent
  }
}

export function outermostOf(app: App): App {
  let top = app
  for (const next of appAndParents(app)) top = next
  return top
}
