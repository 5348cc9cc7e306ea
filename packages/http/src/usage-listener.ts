import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Meter } from '@px-usage/core'
import { parseUsageOptions, type UsageOptions } from './call-options.ts'
import { observeCall } from './observe-call.ts'

/** A `request` listener that counts calls, and the meter that it records them in. */
export interface UsageListener {
  (req: IncomingMessage, res: ServerResponse): void
  readonly meter: Meter
}

/**
 * Creates a listener that counts the calls of a plain node:http server:
 * `server.on('request', pxUsage({ identify, endpoint }))`, added before the app's own listener.
 * Such a server has no routes, so without `endpoint` every call counts as `(unmatched)`.
 *
 * @throws {UsageError} for options that are missing or invalid
 */
export function pxUsage(given: UsageOptions<IncomingMessage>): UsageListener {
  const { meter, options, enabled } = parseUsageOptions(given)
  const observer = { meter, options, reader: { route: () => undefined } }
  const listener = (req: IncomingMessage, res: ServerResponse) => {
    if (enabled) observeCall(req, res, req, observer)
  }
  return Object.assign(listener, { meter })
}
