import type { IncomingMessage, ServerResponse } from 'node:http'
import { observeCall, parseUsageOptions, type UsageOptions } from '@px-usage/http'

/** The request of the framework: it keeps the template of the route that it has found. */
interface Request extends IncomingMessage {
  matched?: string
}

export function pxUsage(given: UsageOptions<Request>) {
  const { meter, options, enabled } = parseUsageOptions(given)
  const observer = { meter, options, reader: { route: (req: Request) => req.matched } }
  const middleware = (req: Request, res: ServerResponse, next: () => void) => {
    if (enabled) observeCall(req, res, req, observer)
    next()
  }
  return Object.assign(middleware, { meter })
}

// --- an app of that framework
const usage = pxUsage({ identify: (req) => ({ userId: String(req.headers['x-user']) }) })

export const listener = (req: Request, res: ServerResponse) =>
  usage(req, res, () => {
    req.matched = '/hello'
    res.end('hello')
  })
export const { meter } = usage
