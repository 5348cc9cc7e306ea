import { guarded } from '@px-usage/http'
import type { Context } from 'koa'
import { expressTemplate } from './express-template.ts'
import { isNamedByLayer } from './last-layer.ts'
import { noteMountsBefore, onMount, onPath } from './mounts.ts'
import { concludeTurn, onCaptures } from './router-turns.ts'
import {
  begin,
  knownOf,
  mounted,
  noteRoute,
  respondingRoute,
  type Seen,
  seenOf,
  watched,
} from './seen-routes.ts'
import { type IsLast, type OnAssign, watchAccessor, watchedProperty } from './watch-context.ts'
import { watchStores } from './watch-stores.ts'

/** The target of an assignment may be `app.context` itself, which has no request. */
const hasRequest = ({ req }: Context) => typeof req === 'object' && req !== null

/** Returns a function that watches a property of contexts. It never throws into the app's assignment. */
function watching(
  name: string,
  note: (ctx: Context, value: unknown) => void,
  isLast: (ctx: Context) => boolean = () => false,
) {
  const onAssign = guarded((ctx: Context, value: unknown) => {
    if (hasRequest(ctx)) note(ctx, value)
  })
  const isLastOf = guarded((ctx: Context) => hasRequest(ctx) && isLast(ctx))
  return [name, watchedProperty(name, onAssign as OnAssign, isLastOf as IsLast)] as const
}

const properties = [
  watching('captures', onCaptures, isNamedByLayer),
  watching('routePath', onRoute),
  watching('mountPath', onMount),
]
const onPathAssigned = guarded(onPath) as OnAssign

/**
 * Returns the template of the route that responded, with the prefixes of koa-mount, or `undefined` if no route ran. If the route
 * passed the request to an Express app, the template comes from Express.
 */
export function routeTemplate(ctx: Context): string | undefined {
  const seen = knownOf(ctx)
  const own = seen && routeOf(seen)
  const inner = expressTemplate(ctx.req, seen?.expressRoute)
  if (inner !== undefined) return seen === undefined ? inner : mounted(inner, seen)
  return own
}

/** Returns the name from an app mounted in this one, with the prefixes of koa-mount, which may mount an Express app too. */
export function innerTemplate(ctx: Context, inner: string): string {
  const seen = knownOf(ctx)
  return seen === undefined || routeOf(seen) === inner ? inner : mounted(inner, seen)
}

function routeOf(seen: Seen): string | undefined {
  concludeTurn(seen)
  return respondingRoute(seen)
}

/** Starts to watch an app, once. The middleware calls it when a request arrives, before any router runs. */
export function watchRoutes(ctx: Context): void {
  const { context } = ctx.app
  if (!watched.has(context)) watchApp(ctx, context)
  const { route } = ctx.req as { route?: unknown }
  if (route !== undefined) seenOf(ctx).expressRoute = route
}

/**
 * Adds the accessors to the object from which the contexts of all apps inherit. So they are defined once, however many apps there are,
 * and they also work for an app that this one calls and for one whose `app.context` is frozen.
 */
function watchApp(ctx: Context, context: object): void {
  watched.add(context)
  watchStores(ctx)
  const base = baseOf(context)
  if (base !== undefined && !watched.has(base)) {
    watched.add(base)
    for (const [, watch] of properties) watch(base)
    watchAccessor(base, 'path', onPathAssigned)
    if (Object.hasOwn(ctx, 'mountPath')) noteMountsBefore(ctx)
  }
  // A property that the app has defined on `app.context` hides the accessor, so that property is watched itself.
  const isHidden = base === undefined || !Object.isExtensible(base)
  for (const [name, watch] of properties) if (isHidden || Object.hasOwn(context, name)) watch(context)
}

/** Returns Koa's own prototype of contexts, which has the accessor `path`. */
function baseOf(context: object): object | undefined {
  let base: object | null = context
  for (let depth = 0; base !== null && depth < 8; depth++, base = Object.getPrototypeOf(base)) {
    if (Object.hasOwn(base, 'path') && Object.hasOwn(base, 'onerror') && Object.hasOwn(base, 'cookies'))
      return base
  }
  return undefined
}

/** Notes a route of koa-route, which has no layers: it assigns the path of a route just before the route runs. */
function onRoute(ctx: Context, path: unknown): void {
  if (typeof path !== 'string' && !(path instanceof RegExp)) return
  const seen = seenOf(ctx)
  concludeTurn(seen)
  noteRoute(seen, begin(seen, ctx), String(path))
}
