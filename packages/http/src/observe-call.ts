import type { IncomingMessage, ServerResponse } from 'node:http'
import { askIdentify, type CallCallback, type FinishedCall, type Identify, type Meter } from '@px-usage/core'
import type { CallSettings } from './call-options.ts'
import { usableName } from './endpoint-name.ts'
import { reportFailure } from './guard.ts'
import { whenFinished } from './when-finished.ts'

/** How one framework tells what the shared code must know of a call. `Source` is what the app's callbacks are given. */
export interface CallReader<Source> {
  /**
   * What the adapter notes when a request comes. It runs within the request: if it throws, the app goes on, the failure is
   * reported, and the call counts as `(unmatched)`.
   */
  enter?(source: Source): void
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
 * Records the call in the meter when its response is over, once. This is the only code of px-usage that runs within a request of
 * the app, and all of it is guarded: whatever fails here or in the app's callbacks, the app goes on as without it, the failure
 * is reported once, and the call is counted.
 */
export function observeCall<Source>(
  req: IncomingMessage,
  res: ServerResponse,
  source: Source,
  observer: Observer<Source>,
): void {
  const call: ObservedCall<Source> = { req, res, source, observer, isEntered: true }
  try {
    whenFinished(req, res, observer.meter, (aborted) => recordCall(call, aborted))
  } catch (error) {
    // A response that cannot be watched never shows its end, so its call is counted now.
    reportFailure(error, observer.meter)
    call.isEntered = false
    setImmediate(recordCall, call, false)
    return
  }
  try {
    observer.reader.enter?.(source)
  } catch (error) {
    reportFailure(error, observer.meter)
    call.isEntered = false
  }
}

interface ObservedCall<Source> {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly source: Source
  readonly observer: Observer<Source>
  /** Whether the reader could note the request: what it reads afterwards is wrong otherwise. */
  isEntered: boolean
}

/** Runs where a throw would end the process. */
function recordCall<Source>(call: ObservedCall<Source>, aborted: boolean): void {
  const { meter, options } = call.observer
  let finished: FinishedCall | undefined
  try {
    finished = finishedCall(call, aborted)
  } catch (error) {
    reportFailure(error, meter)
    const identity = askIdentify(options.identify as Identify<unknown>, call.source)
    finished = { identity, method: '_OTHER', route: undefined, statusCode: 0, aborted, properties: undefined }
  }
  try {
    if (finished === undefined) meter.ignore()
    else meter.record(finished)
  } catch (error) {
    reportFailure(error, meter)
  }
}

/** The call as the meter counts it; `undefined` for one that is ignored. */
function finishedCall<Source>(call: ObservedCall<Source>, aborted: boolean): FinishedCall | undefined {
  const { req, res, source } = call
  const { meter, options } = call.observer
  const { endpoint, ignore, properties } = options
  const method = typeof req.method === 'string' ? req.method : 'GET'
  const statusCode = statusOf(res, aborted)
  const named = endpoint && answerOf(meter, 'endpoint', endpoint, source, res)
  const route = typeof named === 'string' && named !== '' ? usableName(named) : routeOf(call, statusCode)
  if (
    options.isIgnored(method, route) ||
    (ignore && answerOf(meter, 'ignore', ignore, source, res) === true)
  ) {
    return undefined
  }
  return {
    identity: askIdentify(options.identify as Identify<unknown>, source),
    method,
    route,
    statusCode,
    aborted,
    properties: properties && answerOf(meter, 'properties', properties, source, res),
  }
}

/** The status that was sent to the client: what a framework has there before it responds (Koa: 404) was not. */
function statusOf(res: ServerResponse, aborted: boolean): number {
  if (aborted && !res.headersSent) return 0
  const statusCode = Number(res.statusCode)
  return Number.isFinite(statusCode) ? statusCode : 0
}

/** What a framework keeps its routes in may fail in any way; then the call has no route. */
function routeOf<Source>(call: ObservedCall<Source>, statusCode: number): string | undefined {
  const { source, observer, isEntered } = call
  if (!isEntered) return undefined
  try {
    const route: unknown = observer.reader.route(source, statusCode)
    return typeof route === 'string' ? route : undefined
  } catch (error) {
    reportFailure(error, observer.meter)
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
