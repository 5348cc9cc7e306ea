/** The visible part of a router of Express. */
export interface Router {
  readonly stack: readonly unknown[]
  readonly caseSensitive?: boolean
  readonly strict?: boolean
  readonly mergeParams?: boolean
}

/** The visible part of an app of Express. */
export interface App {
  /** The app in which this one was mounted last. An app that was mounted in a router has no parent. */
  readonly parent?: App | undefined
  readonly mountpath?: unknown
  /** The prototype of the app's requests. */
  readonly request?: object
}

/** The deepest nesting of apps that is followed. It prevents an endless loop where the chain of parents is a circle. */
const maxParents = 100

/** Returns the router of a handler that is a router, or an app that already has one. */
export function routerOf(handle: unknown): Router | undefined {
  if (typeof handle !== 'function') return undefined
  if (isRouter(handle)) return handle
  if (!isApp(handle)) return undefined
  const router = ownRouter(handle)
  return isRouter(router) ? router : undefined
}

/** Returns the value that the app keeps as its router; `undefined` in Express 4 before the first route. */
export function ownRouter(app: App): unknown {
  // Reading `app.router` throws in Express 4, which keeps its router in `_router`.
  const { _router } = app as { _router?: unknown }
  return _router !== undefined || 'lazyrouter' in app ? _router : (app as { router?: unknown }).router
}

/** Returns whether the value is a router of Express. An app of connect, Vite's dev server and an error have a `stack` too. */
function isRouter(value: unknown): value is Router {
  if (typeof value !== 'function') return false
  const { stack, use, route, param } = value as unknown as Record<string, unknown>
  return [use, route, param].every((method) => typeof method === 'function') && Array.isArray(stack)
}

/** Returns the handler if it is an app of Express. */
export function appOf(handle: unknown): App | undefined {
  return isApp(handle) ? handle : undefined
}

function isApp(value: unknown): value is App {
  if (typeof value !== 'function') return false
  const { handle, set, request } = value as unknown as Record<string, unknown>
  return typeof handle === 'function' && typeof set === 'function' && typeof request === 'object'
}

/** Yields the app, its parent, and so on to the outermost app. */
export function* appAndParents(app: App): Generator<App> {
  let next: App | undefined = app
  for (let count = 0; next !== undefined && count < maxParents; count++) {
    yield next
    next = next.parent
  }
}

/** Returns the outermost app in which this one is mounted, or the app itself. */
export function outermostOf(app: App): App {
  let top = app
  for (const next of appAndParents(app)) top = next
  return top
}
