import { guarded } from '@px-usage/http'
import type { Context } from 'koa'
import { expressTemplate } from './express-template.ts'
import { mounted, noteMountsBefore, onMount, onPath } from './mounts.ts'
import { onCaptures, onRouterPath, writesPaths } from './router-turns.ts'
import { knownOf, noteRoute, respondingRoute, seenOf, watched } from './seen-routes.ts'
import { type Watched, watchAccessor, watchedProperty } from './watch-context.ts'

/** Watches a property of contexts without ever throwing into the assignment. */
function watching(
  name: string,
  note: (ctx: Context, value: unknown) => void,
  isKnown?: (ctx: Context) => boolean,
) {
  const onAssign = guarded((ctx: Context, value: unknown) => {
    // `app.context` itself has no request.
    if (typeof ctx.req === 'object' && ctx.req !== null) note(ctx, value)
  })
  const watch = { onAssign, ...(isKnown && { isKnown: guarded(isKnown) }) }
  return [name, watchedProperty(name, watch as Watched)] as const
}

const properties = [
  watching('captures', onCaptures, writesPaths),
  watching('routerPath', onRouterPath),
  watching('routePath', onRoute),
  watching('mountPath', onMount),
]
const onPathAssigned = guarded(onPath) as Watched['onAssign']

/**
 * The template of the route that responded, under the prefixes of koa-mount; `undefined` if none ran. An Express app to which
 * the request was handed on within the route knows its name better.
 */
export function routeTemplate(ctx: Context): string | undefined {
  const seen = knownOf(ctx)
  const inner = expressTemplate(ctx.req, seen?.expressRoute)
  if (inner !== undefined) return seen === undefined ? inner : mounted(inner, seen)
  return seen && respondingRoute(seen)
}

/** The name that an app within this one gives: koa-mount takes its prefix off the path for an app of Express as well. */
export function innerTemplate(ctx: Context, inner: string): string {
  const seen = knownOf(ctx)
  return seen === undefined || respondingRoute(seen) === inner ? inner : mounted(inner, seen)
}

/** To be called when a request comes, before any router. Does its work once per app. */
export function watchRoutes(ctx: Context): void {
  const { context } = ctx.app
  if (!watched.has(context)) watchApp(ctx, context)
  const { route } = ctx.req as { route?: unknown }
  if (route !== undefined) seenOf(ctx).expressRoute = route
}

/**
 * The accessors are added to the object from which the contexts of all apps inherit. Thus they are defined once, however many apps
 * are created, and an app that this one calls, or one whose `app.context` is frozen, is seen as well.
 */
function watchApp(ctx: Context, context: object): void {
  watched.add(context)
  const base = baseOf(context)
  if (base !== undefined && !watched.has(base)) {
    watched.add(base)
    for (const [, watch] of properties) watch(base)
    watchAccessor(base, 'path', onPathAssigned)
    if (Object.hasOwn(ctx, 'mountPath')) noteMountsBefore(ctx)
  }
  // What the app has put there itself hides the accessors.
  const isHidden = base === undefined || !Object.isExtensible(base)
  for (const [name, watch] of properties) if (isHidden || Object.hasOwn(context, name)) watch(context)
}

/** Koa's own object: the one that has the accessor `path`. */
function baseOf(context: object): object | undefined {
  let base: object | null = context
  for (let depth = 0; base !== null && depth < 8; depth++, base = Object.getPrototypeOf(base)) {
    if (Object.hasOwn(base, 'path') && Object.hasOwn(base, 'onerror') && Object.hasOwn(base, 'cookies'))
      return base
  }
  return undefined
}

/** koa-route has no layers: a route that is about to run writes its path. */
function onRoute(ctx: Context, path: unknown): void {
  if (typeof path !== 'string' && !(path instanceof RegExp)) return
  const seen = seenOf(ctx)
  noteRoute(seen, ctx, mounted(String(path), seen))
}
