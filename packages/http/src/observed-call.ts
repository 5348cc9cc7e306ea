import { AsyncResource } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CallCallback, FinishedCall, Identify, Meter } from '@px-usage/core'
import { askIdentify } from '@px-usage/core/adapter'
import { contextType, ownContext } from './async-context.ts'
import { usableName } from './endpoint-name.ts'
import { reportFailure } from './guard.ts'
import type { Observer } from './observe-call.ts'
import type { WatchedCall } from './when-finished.ts'

/** One call, from the middleware until it is recorded. It is itself the async context in which it was created. */
export class ObservedCall<Source> extends AsyncResource implements WatchedCall {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly owner: Meter
  context: AsyncResource = this
  next: WatchedCall | undefined
  before: WatchedCall | undefined
  after: WatchedCall | undefined
  notes = 0
  isQueued = false
  /** What the reader noted when the request came. */
  entered: unknown
  private readonly source: Source
  private readonly observer: Observer<Source>
  /** Whether the reader could note the request: what it reads afterwards is wrong otherwise. */
  private isEntered = true
  /** Bytes that the connection had sent before. */
  private sentBefore = 0
  /** The status that was sent before the connection closed. */
  private lastStatus: number | undefined

  /** The call as an app within this one sees it. */
  private inner: ObservedCall<unknown> | undefined

  constructor(req: IncomingMessage, res: ServerResponse, source: Source, observer: Observer<Source>) {
    super(contextType)
    this.req = req
    this.res = res
    this.source = source
    this.observer = observer
    this.owner = observer.meter
  }

  /** A request with a body may be cut off and then responded to. For one without, the look would cost more than it tells. */
  noteSentBefore(): void {
    const { method, socket } = this.req
    if (method !== 'GET' && socket) this.sentBefore = socket.bytesWritten
  }

  enterFailed(): void {
    this.isEntered = false
  }

  noteInner(call: WatchedCall): void {
    // A middleware that is mounted twice in one app has the same source, and sees the same.
    if (call instanceof ObservedCall && call.source !== this.source) this.inner = call
  }

  lost(): void {
    try {
      this.lastStatus = this.sentStatus()
    } catch (error) {
      reportFailure(error, this.owner)
    }
  }

  /** Runs where a throw would end the process. */
  finished(aborted: boolean): void {
    const { owner, observer, source } = this
    let call: FinishedCall | undefined
    try {
      call = this.toRecord(aborted)
    } catch (error) {
      reportFailure(error, owner)
      const identity = askIdentify(observer.options.identify as Identify<unknown>, source)
      call = { identity, method: '_OTHER', route: undefined, statusCode: 0, aborted, properties: undefined }
    }
    ownContext.runInAsyncScope(record, undefined, owner, call)
  }

  /** The call as the meter counts it; `undefined` for one that is ignored. */
  private toRecord(aborted: boolean): FinishedCall | undefined {
    const { req, res, source } = this
    const { meter, options } = this.observer
    const { endpoint, ignore, properties } = options
    const method = typeof req.method === 'string' ? req.method : 'GET'
    const statusCode = aborted ? (this.lastStatus ?? this.sentStatus()) : statusOf(res)
    const named = endpoint && answerOf(meter, 'endpoint', endpoint, source, res)
    const route = typeof named === 'string' && named !== '' ? usableName(named) : this.route(statusCode)
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

  /**
   * The status of a response that was given up, if its head was sent, and 0 otherwise. A framework may have a status there
   * before it responds (Koa: 404), and Node calls a head sent that was written into a closed connection (a body parser's 400
   * for an upload that was cut off) or that waits behind another response.
   */
  private sentStatus(): number {
    const { res } = this
    if (!res.headersSent) return 0
    const isHttp2 = (res as { stream?: unknown }).stream !== undefined
    const bytes = res.socket === null ? 0 : res.socket?.bytesWritten
    return !isHttp2 && typeof bytes === 'number' && bytes <= this.sentBefore ? 0 : statusOf(res)
  }

  /** What a framework keeps its routes in may fail in any way; then the call has no route. */
  private route(statusCode: number): string | undefined {
    const inner = this.inner?.route(statusCode)
    if (!this.isEntered) return inner
    try {
      const { reader } = this.observer
      if (inner !== undefined) return reader.around?.(this.source, inner) ?? inner
      const route: unknown = reader.route(this.source, statusCode, this.entered)
      return typeof route === 'string' ? route : undefined
    } catch (error) {
      reportFailure(error, this.owner)
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
