import type { IncomingMessage, ServerResponse } from 'node:http'
import { askIdentify, type Identify, type Meter } from '@px-usage/core'
import type { CallOptions } from './call-options.ts'
import { whenFinished } from './when-finished.ts'

/** How one framework tells what the shared code must know of a call. `Source` is what the app's callbacks are given. */
export interface CallReader<Source> {
  /** Route template of the call; `undefined` when no route matched. Asked after the response has finished. */
  route(source: Source): string | undefined
}

/** Requests that a meter counts already: a middleware that is mounted twice counts once. */
const observed = new WeakMap<IncomingMessage, Set<Meter>>()

/**
 * Records the call in the meter when its response is over. Whatever the app's callbacks do then, the app goes on as
 * without it.
 */
export function observeCall<Source>(
  req: IncomingMessage,
  res: ServerResponse,
  source: Source,
  { meter, options, reader }: { meter: Meter; options: CallOptions<Source>; reader: CallReader<Source> },
): void {
  const meters = observed.get(req) ?? new Set()
  if (meters.has(meter)) return
  observed.set(req, meters.add(meter))
  whenFinished(req, res, (aborted) => {
    const method = req.method ?? 'GET'
    const route = routeOf(source, options, reader)
    if (isIgnored(source, method, route, options)) return meter.ignore()
    meter.record({
      identity: askIdentify(options.identify as Identify<unknown>, source),
      method,
      route,
      statusCode: res.statusCode,
      aborted,
      properties: quietly(() => options.properties?.(source)),
    })
  })
}

function routeOf<Source>(
  source: Source,
  options: CallOptions<Source>,
  reader: CallReader<Source>,
): string | undefined {
  const named = quietly(() => options.endpoint?.(source))
  return typeof named === 'string' && named !== '' ? named : quietly(() => reader.route(source))
}

function isIgnored<Source>(
  source: Source,
  method: string,
  route: string | undefined,
  { ignore }: CallOptions<Source>,
): boolean {
  if (ignore === undefined) return method === 'OPTIONS'
  if (typeof ignore === 'function') return quietly(() => ignore(source)) === true
  return route !== undefined && ignore.includes(route)
}

/**
 * The app's callbacks run in a listener of the response, where a throw would end the process, and so would a rejection
 * that nobody handles: a promise is no answer here.
 */
function quietly<T>(ask: () => T): T | undefined {
  try {
    const answer = ask()
    if (!(answer instanceof Promise)) return answer
    answer.catch(() => {})
    return undefined
  } catch {
    return undefined
  }
}
