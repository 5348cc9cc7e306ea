import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { areStoresInUse, currentContext, richerContext } from './async-context.ts'
import { reportFailure } from './guard.ts'
import { nextTick, setImmediate } from './real-timers.ts'
import { watchResponse } from './watch-response.ts'
import type { Completion, WatchedCall } from './when-finished.ts'

/** A call of one owner. The owner stays when the response is over: it may ask again. */
interface Waiting {
  owner: object | undefined
  call: WatchedCall | undefined
  next: Waiting | undefined
}

/**
 * A request, while its response is not over in the list of those of its connection: more than one only with pipelining. It is
 * itself what waits for the first owner, as nearly always there is but one; in an object of its own that kept the whole
 * request from the young generation's garbage, which cost 13 us.
 */
interface OpenRequest extends Waiting {
  /** How its response ended; `undefined` while it is not over. */
  aborted: boolean | undefined
  /** How often its async context was noted after the middleware. */
  notes: number
  /** Whether it came while another one of its connection was open. */
  isQueued: boolean
  before: OpenRequest | undefined
  after: OpenRequest | undefined
}

/** An app may read a path that is watched many times; each note takes 0.3 us. */
const maxNotes = 3

interface HttpMessage {
  socket: Socket
  request: IncomingMessage
}

export function createOpenRequests(): Completion {
  /**
   * What is known of each request, beside it. Express gives every request and response another prototype, so that V8 makes a
   * hidden class for the single object: on Node 20 and 22 the first look at a property then takes 0.2 us, and a new property
   * 2 us. A look into a WeakMap takes 0.05 us, an entry 0.1 us.
   */
  const known = new WeakMap<IncomingMessage, OpenRequest>()
  const newestKey: unique symbol = Symbol('px-usage.newest') as never
  type WatchedSocket = Socket & { [newestKey]?: OpenRequest | undefined }
  let isSubscribed = false

  function opened(req: IncomingMessage, before: OpenRequest | undefined): OpenRequest {
    const request: OpenRequest = {
      aborted: undefined,
      owner: undefined,
      call: undefined,
      next: undefined,
      notes: 0,
      isQueued: before !== undefined,
      before,
      after: undefined,
    }
    known.set(req, request)
    return request
  }

  function onRequestStart(message: unknown): void {
    const { socket, request: req } = message as HttpMessage & { socket: WatchedSocket }
    if (!(newestKey in socket)) watchConnection(socket)
    const before = socket[newestKey]
    const request = opened(req, before)
    if (before !== undefined) before.after = request
    socket[newestKey] = request
  }

  function onResponseFinish(message: unknown): void {
    const { socket, request: req } = message as HttpMessage & { socket: WatchedSocket }
    const request = known.get(req)
    if (request === undefined || request.aborted !== undefined) return
    const { before, after } = request
    if (before !== undefined) before.after = after
    if (after !== undefined) after.before = before
    else if (socket[newestKey] === request) socket[newestKey] = before
    request.aborted = false
    // What waited behind another response finishes in the context of that one.
    if (!request.isQueued && request.call !== undefined && areStoresInUse()) noteContexts(request)
    tellAll(request, false)
  }

  /** First of the listeners, so that it sees what was sent before those of the app write into the closed connection. */
  function watchConnection(socket: Socket): void {
    socket.prependListener('close', onConnectionClose)
    socket.on('removeListener', onListenerRemoved)
  }

  /**
   * An app that removes all `close` listeners of a connection removes ours by accident. Node removes one of its own after each
   * response, and does not report the last one that is removed.
   */
  function onListenerRemoved(this: Socket, event: string, listener: { name?: string }): void {
    if (event === 'close' && listener.name !== 'onServerResponseClose') nextTick(watchAgain, this)
  }

  function watchAgain(socket: Socket): void {
    if (socket.closed) onConnectionClose.call(socket)
    else if (socket.listenerCount('close', onConnectionClose) === 0) {
      socket.off('removeListener', onListenerRemoved)
      watchConnection(socket)
    }
  }

  function onConnectionClose(this: WatchedSocket): void {
    let request = this[newestKey]
    this[newestKey] = undefined
    while (request?.before !== undefined) request = request.before
    while (request !== undefined) {
      const { after } = request
      request.aborted = true
      for (let one: Waiting | undefined = request; one !== undefined; one = one.next) one.call?.lost()
      // Node and the app see the connection close first, as they do without px-usage.
      nextTick(tellAll, request, true)
      request = after
    }
  }

  return {
    whenFinished(call) {
      if (!isSubscribed) {
        isSubscribed = true
        subscribe('http.server.request.start', onRequestStart)
        subscribe('http.server.response.finish', onResponseFinish)
      }
      let request = known.get(call.req)
      if (request === undefined) {
        request = opened(call.req, undefined)
        listen(request, call)
      }
      let waiting: Waiting = request
      while (waiting.owner !== undefined) {
        if (waiting.owner === call.owner) {
          waiting.call?.noteInner?.(call)
          return
        }
        waiting.next ??= { owner: undefined, call: undefined, next: undefined }
        waiting = waiting.next
      }
      waiting.owner = call.owner
      waiting.call = call
      if (request.aborted !== undefined) nextTick(tell, waiting, request.aborted)
    },

    noteContext(req) {
      if (!areStoresInUse()) return
      const request = known.get(req)
      if (request?.call !== undefined && request.notes < maxNotes) noteContexts(request)
    },
  }
}

function listen(request: OpenRequest, { req, res, owner }: WatchedCall): void {
  const end = (aborted: boolean) => {
    if (request.aborted !== undefined) return
    request.aborted = aborted
    tellAll(request, aborted)
  }
  try {
    watchResponse(req, res, end)
  } catch (error) {
    // A response that cannot be watched never shows its end, so its call is counted now.
    reportFailure(error, owner)
    setImmediate(end, false)
  }
}

function noteContexts(request: OpenRequest): void {
  const now = currentContext()
  request.notes += 1
  for (let one: Waiting | undefined = request; one !== undefined; one = one.next) {
    if (one.call !== undefined) one.call.context = richerContext(one.call.context, now)
  }
}

function tellAll(request: OpenRequest, aborted: boolean): void {
  // The app may keep the request for long: it must not hold its neighbours, nor what was called.
  request.before = undefined
  request.after = undefined
  for (let one: Waiting | undefined = request; one !== undefined; one = one.next) tell(one, aborted)
}

function tell(waiting: Waiting, aborted: boolean): void {
  const { call } = waiting
  waiting.call = undefined
  call?.context.runInAsyncScope(call.finished, call, aborted)
}
