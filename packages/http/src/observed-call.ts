import { AsyncResource } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CallCallback, FinishedCall, Identify, Meter } from '@px-usage/core'
import { callIdentify } from '@px-usage/core/adapter'
import { contextType } from './completion/async-context.ts'
import type { WatchedCall } from './completion/watched-call.ts'
import { usableName } from './endpoint-name.ts'
import { reportFailure } from './guard.ts'
import type { Observer } from './observer.ts'

/** One call, from the middleware until it is recorded. It is itself the async context in which it was created. */
export class ObservedCall<Source> extends AsyncResource implements WatchedCall {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly meter: Meter
  context: AsyncResource = this
  next: WatchedCall | undefined
  before: WatchedCall | undefined
  after: WatchedCall | undefined
  notes = 0
  isQueued = false
  /** What `enter` of the reader returned when the request arrived. */
  entered: unknown
  private readonly source: Source
  private readonly observer: Observer<Source>
  /** Whether `enter` succeeded. If it threw, the reader's route would be wrong, so it is not read. */
  private isEntered = true
  /** Bytes that the connection had sent when the request arrived. */
  private sentBefore = 0
  /** The status that was sent before the connection closed. */
  private lastStatus: number | undefined

  /** The same request as the middleware of an app mounted in this one sees it. */
  private inner: ObservedCall<unknown> | undefined

  constructor(req: IncomingMessage, res: ServerResponse, source: Source, observer: Observer<Source>) {
    super(contextType)
    this.req = req
    this.res = res
    this.source = source
    this.observer = observer
    this.meter = observer.meter
  }

  /**
   * Notes how many bytes the connection has sent so far, for `sentStatus()`. A GET request is skipped to save time: only a request
   * with a body can be cut off and still get a response written.
   */
  noteSentBefore(): void {
    const { method, socket } = this.req
    if (method !== 'GET' && socket) this.sentBefore = socket.bytesWritten
  }

  /** `jest --detectOpenHandles` asks it, and would report a call that is not garbage-collected yet as an open handle. */
  hasRef(): boolean {
    return false
  }

  enterFailed(): void {
    this.isEntered = false
  }

  noteInner(call: WatchedCall): void {
    // A middleware that is mounted twice in one app has the same source, so the second call adds nothing.
    if (call instanceof ObservedCall && call.source !== this.source) this.inner = call
  }

  lost(): void {
    try {
      this.lastStatus = this.sentStatus()
    } catch (error) {
      reportFailure(error, this.meter)
    }
  }

  /** Records the call. It runs outside the request, where a throw would terminate the process, so it never throws. */
  finished(aborted: boolean): void {
    const { meter, observer, source } = this
    let call: FinishedCall | undefined
    try {
      call = this.toRecord(aborted)
    } catch (error) {
      reportFailure(error, meter)
      const identity = callIdentify(observer.options.identify as Identify<unknown>, source)
      call = {
        identity,
        method: '_OTHER',
        route: undefined,
        statusCode: 0,
        aborted,
        properties: undefined,
        measures: undefined,
      }
    }
    record(meter, call)
  }

  /** Returns the call as the meter records it, or `undefined` if it is ignored. */
  private toRecord(aborted: boolean): FinishedCall | undefined {
    const { req, res, source } = this
    const { meter, options } = this.observer
    const { endpoint, ignore, measures, properties } = options
    const method = typeof req.method === 'string' ? req.method : 'GET'
    const statusCode = aborted ? (this.lastStatus ?? this.sentStatus()) : statusOf(res)
    const named = endpoint && callbackResult(meter, 'endpoint', endpoint, source, res)
    const route = typeof named === 'string' && named !== '' ? usableName(named) : this.route(statusCode)
    if (
      options.isIgnored(method, route) ||
      (ignore && callbackResult(meter, 'ignore', ignore, source, res) === true)
    ) {
      return undefined
    }
    return {
      identity: callIdentify(options.identify as Identify<unknown>, source),
      method,
      route,
      statusCode,
      aborted,
      properties: properties && callbackResult(meter, 'properties', properties, source, res),
      measures: measures && callbackResult(meter, 'measures', measures, source, res),
    }
  }

  /**
   * Returns the status of an aborted response if its head was sent, and 0 otherwise.
   *
   * `res.statusCode` alone would be wrong: Koa sets 404 before it responds. `res.headersSent` alone would be wrong too: Node sets it
   * for a head that was written into a closed connection (a body parser's 400 for an upload that was cut off), and for one that
   * waits behind another response.
   */
  private sentStatus(): number {
    const { res } = this
    if (!res.headersSent) return 0
    const isHttp2 = (res as { stream?: unknown }).stream !== undefined
    const bytes = res.socket === null ? 0 : res.socket?.bytesWritten
    return !isHttp2 && typeof bytes === 'number' && bytes <= this.sentBefore ? 0 : statusOf(res)
  }

  /** Returns the route template, or `undefined` if the framework's own structures made the reader fail. */
  private route(statusCode: number): string | undefined {
    const inner = this.inner?.route(statusCode)
    if (!this.isEntered) return inner
    try {
      const { reader } = this.observer
      if (inner !== undefined) return reader.around?.(this.source, inner) ?? inner
      const route: unknown = reader.route(this.source, statusCode, this.entered)
      return typeof route === 'string' ? route : undefined
    } catch (error) {
      reportFailure(error, this.meter)
      return undefined
    }
  }
}

function record(meter: Meter, call: FinishedCall | undefined): void {
  try {
    if (call === undefined) meter.ignore()
    else meter.record(call)
  } catch (error) {
    reportFailure(error, meter)
  }
}

function statusOf(res: ServerResponse): number {
  const statusCode = Number(res.statusCode)
  return Number.isFinite(statusCode) ? statusCode : 0
}

/**
 * Calls a callback of the app and returns its result, or `undefined` if it throws or returns a promise. The meter reports both.
 *
 * The callback runs outside the request, where a throw or an unhandled rejection would terminate the process.
 */
function callbackResult<Source, Result>(
  meter: Meter,
  name: CallCallback,
  callback: (source: Source, res: ServerResponse) => Result,
  source: Source,
  res: ServerResponse,
): Result | undefined {
  try {
    const result = callback(source, res)
    if (!(result instanceof Promise)) return result
    result.catch(() => {})
    meter.callbackFailed(name, new TypeError(`${name}() returned a promise. Return the value itself.`))
  } catch (error) {
    meter.callbackFailed(name, error)
  }
  return undefined
}
