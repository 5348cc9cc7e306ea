import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Meter } from '@px-usage/core'
import { observeCall, parseUsageOptions, type UsageOptions } from '@px-usage/http'
import type { Request, Response } from 'express'
import { createRouteTemplates } from './route-template.ts'
import type { RouteTree } from './route-tree.ts'
import type { RoutedRequest } from './watch-route.ts'

/** The middleware, and the meter that it records calls in. It has Node's own types, which fit both Express 4 and Express 5. */
export interface UsageMiddleware {
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void
  readonly meter: Meter
}

/**
 * Creates a middleware that counts the calls of an Express app and delivers the totals to PX:
 * `app.use(pxUsage({ identify: (req) => req.user && { userId: req.user.id, accountId: req.user.orgId } }))`.
 *
 * Mount it first, so that it sees every call. It awaits nothing and patches no method; `identify` runs after the response.
 *
 * @typeParam Req the app's own type of a request: `pxUsage<AppRequest>(...)`, or the type of the parameter of `identify`
 * @throws {UsageError} for options that are missing or invalid
 */
export function pxUsage(given: UsageOptions<Request, Response>): UsageMiddleware
export function pxUsage<Req extends Request, Res extends Response = Response>(
  given: UsageOptions<Req, Res>,
): UsageMiddleware
export function pxUsage<Req extends Request, Res extends Response>(
  given: UsageOptions<Req, Res>,
): UsageMiddleware {
  const { meter, options, enabled } = parseUsageOptions(given)
  const templates = createRouteTemplates()
  const reader = {
    enter: (req: Req) => templates.enter(req as unknown as RoutedRequest),
    route: (req: Req, statusCode: number, entered: unknown) =>
      templates.of(req as unknown as RoutedRequest, statusCode, entered as RouteTree | undefined),
  }
  const observer = { meter, options, reader }
  const middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => {
    if (enabled) observeCall(req, res, req as Req, observer)
    next()
  }
  return Object.assign(middleware, { meter })
}
