import type { IncomingMessage, ServerResponse } from 'node:http'
import { askIdentify, type CallCallback, type Identify, type Meter } from '@px-usage/core'
import type { CallSettings } from './call-options.ts'
import { usableName } from './endpoint-name.ts'
import { whenFinished } from './when-finished.ts'

/** How one framework tells what the shared code must know of a call. `Source` is what the app's callbacks are given. */
export interface CallReader<Source> {
  /**
   * Route template of the call; `undefined` when no route matched. Asked after the response has finished.
   *
   * @param statusCode as in a `FinishedCall`
   */
  route(source: Source, statusCode: number): string | undefined
}

/** How the calls of one middleware are counted. */
interface Observer<Source> {
  meter: Meter
  options: CallSettings<Source>
  reader: CallReader<Source>
}

/**
 * Records the call in the meter when its response is over, once. Whatever the app's callbacks do then, the app goes on as
 * without it.
 */
export function observeCall<Source>(
  req: IncomingMessage,
  res: ServerResponse,
  source: Source,
  observer: Observer<Source>,
): void {
  whenFinished(req, res, observer.meter, (aborted) => recordCall(req, res, source, aborted, observer))
}

function recordCall<Source>(
  req: IncomingMessage,
  res: ServerResponse,
  source: Source,
  aborted: boolean,
  { meter, options, reader }: Observer<Source>,
): void {
  const { endpoint, ignore, properties } = options
  const method = req.method ?? 'GET'
  // What a framework has there before it answers (Koa: 404) was never told to a client that left earlier.
  const statusCode = aborted && !res.headersSent ? 0 : res.statusCode
  const named = endpoint && answerOf(meter, 'endpoint', endpoint, source, res)
  const route =
    typeof named === 'string' && named !== '' ? usableName(named) : routeOf(reader, source, statusCode)
  if (
    options.isIgnored(method, route) ||
    (ignore && answerOf(meter, 'ignore', ignore, source, res) === true)
  ) {
    meter.ignore()
    return
  }
  meter.record({
    identity: askIdentify(options.identify as Identify<unknown>, source),
    method,
    route,
    statusCode,
    aborted,
    properties: properties && answerOf(meter, 'properties', properties, source, res),
  })
}

/** Nothing that a framework keeps its routes in may become an error of the app. */
function routeOf<Source>(reader: CallReader<Source>, source: Source, statusCode: number): string | undefined {
  try {
    return reader.route(source, statusCode)
  } catch {
    return undefined
  }
}

/**
 * The app's callbacks run where a throw would end the process, and so would a rejection that nobody handles. They are asked
 * for an answer: a promise is none.
 */
function answerOf<Source, Answer>(
  meter: Meter,
  name: CallCallback,
  callback: (source: Source, res: ServerResponse) => Answer,
  source: Source,
  res: ServerResponse,
): Answer | undefined {
  try {
    const answer = callback(source, res)
    if (!(answer instanceof Promise)) return answer
    answer.catch(() => {})
    meter.callbackFailed(name, new TypeError(`${name}() answered a promise.`))
  } catch (error) {
    meter.callbackFailed(name, error)
  }
  return undefined
}
