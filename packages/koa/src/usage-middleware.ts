import type { Meter } from '@px-usage/core'
import { guarded, observeCall, parseUsageOptions, type UsageOptions } from '@px-usage/http'
import type { Context, Next } from 'koa'
import { innerTemplate, routeTemplate, watchRoutes } from './route-template.ts'

/** The middleware, and the meter that it records calls in. */
export interface UsageMiddleware {
  (ctx: Context, next: Next): Promise<void>
  readonly meter: Meter
}

/**
 * Creates a middleware that counts the calls of a Koa app and delivers the totals to PX:
 * `app.use(pxUsage({ identify: (ctx) => ctx.state.user && { userId: ctx.state.user.id, accountId: ctx.state.user.orgId } }))`.
 *
 * Use it first, so that it sees every call. It awaits nothing of its own and patches no method; `identify` runs after the response.
 *
 * @typeParam Ctx the app's own type of a context, such as `ParameterizedContext<AppState>`
 * @throws {UsageError} for options that are missing or invalid
 */
export function pxUsage(given: UsageOptions<Context>): UsageMiddleware
export function pxUsage<Ctx extends Context>(given: UsageOptions<Ctx>): UsageMiddleware
export function pxUsage<Ctx extends Context>(given: UsageOptions<Ctx>): UsageMiddleware {
  const { meter, options, enabled } = parseUsageOptions(given)
  const observer = {
    meter,
    options,
    reader: { enter: watchRoutes, route: routeTemplate, around: innerTemplate },
  }
  const observe = guarded((ctx: Ctx) => observeCall(ctx.req, ctx.res, ctx, observer))
  const middleware = (ctx: Context, next: Next): Promise<void> => {
    if (enabled) observe(ctx as Ctx)
    return next()
  }
  return Object.assign(middleware, { meter })
}
