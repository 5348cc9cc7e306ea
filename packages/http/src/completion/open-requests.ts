import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Meter } from '@px-usage/core'
import { createSlot } from '../foreign-fields.ts'
import { reportFailure } from '../guard.ts'
import { nextTick, setImmediate } from '../real-timers.ts'
import { areStoresInUse, currentContext, mayHaveStores, richerContext } from './async-context.ts'
import { watchResponse } from './watch-response.ts'
import type { Completion, WatchedCall } from './watched-call.ts'

/** What remains of a finished call, because a meter may be given the same request again. `next` is that of another meter. */
class Over {
  readonly meter: Meter
  readonly aborted: boolean
  readonly next: Over | undefined

  constructor(meter: Meter, aborted: boolean, next: Over | undefined) {
    this.meter = meter
    this.aborted = aborted
    this.next = next
  }
}

/** An app may read a watched path many times, and each note takes 0.1 us. */
const maxNotes = 3

/**
 * So many finished requests are remembered in a WeakMap, so that a middleware which gets one of them again does not count it again.
 * Once that has happened, all are marked with a field. A field changes the shape of the request, and Node's own code for requests
 * takes more time if they have several shapes: 1.2 us of an Express call on Node 24. So if an app mounts a middleware twice and
 * does not show it in all these requests, one call counts twice.
 */
const rememberedFirst = 1_000

/** The state of one connection. It is a property of the socket, so that a request allocates only its call. */
interface Connection {
  /** The open call that arrived last. With pipelining, the others are linked to it by `before`. */
  newest: WatchedCall | undefined
}

const connectionKey: unique symbol = Symbol('px-usage.connection') as never
type WatchedSocket = Socket & {
  [connectionKey]?: Connection
  /** Node's parser of the connection, while it is one of HTTP/1. */
  parser?: { incoming?: unknown } | null
}

interface HttpMessage {
  socket: WatchedSocket
  request: IncomingMessage
}

/** Creates the registry of open requests, which detects when their responses have finished. */
export function createOpenRequests(): Completion {
  /** By request: a finished call, or an open one whose response Node does not publish. */
  const states = createSlot<WatchedCall | Over>()
  /** Finished calls of the first requests, whose shape must stay as it is. */
  const firstOver = new WeakMap<IncomingMessage, Over>()
  let isSubscribed = false

  function onResponseFinish(message: unknown): void {
    const { socket, request } = message as HttpMessage
    const connection = socket[connectionKey]
    if (connection === undefined) return
    const first = openCallOf(connection, request)
    if (first === undefined) return
    unlink(first, connection)
    leave(first, false)
    // A response that waited behind another one finishes in the async context of that one, so its own context is used instead.
    if (first.isQueued) finishAll(first, false)
    else finishHere(first)
  }

  /** Adds our listener before those of the app, which may write into the closed connection and change what counts as sent. */
  function watchConnection(socket: Socket): void {
    socket.prependListener('close', onConnectionClose)
    socket.on('removeListener', onListenerRemoved)
  }

  /**
   * Restores our `close` listener if the app has removed all listeners of the connection; without it, aborted calls would not be
   * counted. Node does not report the removal of the last listener, so ours may be gone whenever at most one is left.
   */
  function onListenerRemoved(this: Socket, event: string, listener: unknown): void {
    if (event !== 'close') return
    if (listener === onConnectionClose || this.listenerCount('close') <= 1) nextTick(watchAgain, this)
  }

  function watchAgain(socket: Socket): void {
    if (socket.closed) onConnectionClose.call(socket)
    else if (socket.listenerCount('close', onConnectionClose) === 0) {
      socket.off('removeListener', onListenerRemoved)
      watchConnection(socket)
    }
  }

  function onConnectionClose(this: WatchedSocket): void {
    const connection = this[connectionKey]
    if (connection === undefined) return
    let first = connection.newest
    connection.newest = undefined
    while (first?.before !== undefined) first = first.before
    while (first !== undefined) {
      const { after } = first
      leave(first, true)
      for (let call: WatchedCall | undefined = first; call !== undefined; call = call.next) call.lost()
      // Node and the app see the connection close first, as they do without px-usage.
      nextTick(finishAll, first, true)
      first = after
    }
  }

  /** Registers a call whose end Node publishes. */
  function track(call: WatchedCall, socket: WatchedSocket): void {
    let connection = socket[connectionKey]
    if (connection === undefined) {
      connection = { newest: undefined }
      socket[connectionKey] = connection
      watchConnection(socket)
    }
    const before = connection.newest
    if (before !== undefined) before.after = call
    call.before = before
    call.isQueued = call.res.socket !== socket
    connection.newest = call
  }

  /** Listens for the end of a response that Node does not publish, or has published already. */
  function listen(call: WatchedCall): void {
    states.set(call.req, call)
    const end = (aborted: boolean) => {
      if (states.get(call.req) instanceof Over) return
      states.set(call.req, overOf(call, aborted))
      finishAll(call, aborted)
    }
    try {
      watchResponse(call.req, call.res, end)
    } catch (error) {
      // The end of a response that cannot be watched goes unnoticed, so its call would never be counted: count it now.
      reportFailure(error, call.meter)
      setImmediate(end, false)
    }
  }

  /** How many of the next finished requests are remembered. */
  let remembered = rememberedFirst
  let areMarked = false

  /** Forgets the neighbours of a call whose end Node has published, and remembers the request if it is one of the first. */
  function leave(first: WatchedCall, aborted: boolean): void {
    first.before = undefined
    first.after = undefined
    if (areMarked) states.set(first.req, overOf(first, aborted))
    else if (remembered > 0) {
      remembered -= 1
      firstOver.set(first.req, overOf(first, aborted))
    }
  }

  let lastOver: Over | undefined

  /** Returns what replaces the calls of a finished request. An app may keep the request, which would keep its calls. */
  function overOf(first: WatchedCall, aborted: boolean): Over {
    if (first.next !== undefined || lastOver?.meter !== first.meter || lastOver.aborted !== aborted) {
      lastOver = new Over(first.meter, aborted, undefined)
    }
    let over = lastOver
    for (let call = first.next; call !== undefined; call = call.next)
      over = new Over(call.meter, aborted, over)
    return over
  }

  return {
    whenFinished(call) {
      if (!isSubscribed) {
        isSubscribed = true
        subscribe('http.server.response.finish', onResponseFinish)
      }
      const { req, res } = call
      const socket = socketOf(req)
      const state = openCallOf(socket?.[connectionKey], req) ?? states.get(req) ?? firstOver.get(req)
      if (state === undefined) {
        if (socket !== undefined && isPublished(req, res, socket)) track(call, socket)
        else listen(call)
        return
      }
      areMarked = true
      if (!(state instanceof Over)) join(state, call)
      else if (!isRecordedBy(state, call.meter)) {
        states.set(req, new Over(call.meter, state.aborted, state))
        nextTick(finishOne, call, state.aborted)
      }
    },

    noteContext(req) {
      if (!areStoresInUse()) return
      const first = openCallOf(socketOf(req)?.[connectionKey], req) ?? states.get(req)
      if (first !== undefined && !(first instanceof Over) && first.notes < maxNotes) noteContexts(first)
    },
  }
}

/**
 * Returns whether Node will publish the end of a response: its parser has just read the request. The parser has no longer a request
 * that was upgraded, and never one that was injected.
 */
function isPublished(req: IncomingMessage, res: ServerResponse, socket: WatchedSocket): boolean {
  return socket.parser?.incoming === req && !socket.destroyed && !res.writableFinished
}

/** Returns the connection of a request. HTTP/2 requests have a proxy that throws once the connection is closed. */
function socketOf(req: IncomingMessage): WatchedSocket | undefined {
  try {
    return req.socket ?? undefined
  } catch {
    return undefined
  }
}

function openCallOf(connection: Connection | undefined, req: IncomingMessage): WatchedCall | undefined {
  let call = connection?.newest
  while (call !== undefined && call.req !== req) call = call.before
  return call
}

function join(first: WatchedCall, call: WatchedCall): void {
  let one = first
  while (one.meter !== call.meter) {
    if (one.next === undefined) {
      one.next = call
      return
    }
    one = one.next
  }
  one.noteInner?.(call)
}

function isRecordedBy(over: Over, meter: Meter): boolean {
  for (let one: Over | undefined = over; one !== undefined; one = one.next)
    if (one.meter === meter) return true
  return false
}

function unlink(call: WatchedCall, connection: Connection): void {
  const { before, after } = call
  if (before !== undefined) before.after = after
  if (after !== undefined) after.before = before
  else connection.newest = before
}

function noteContexts(first: WatchedCall): void {
  const now = currentContext()
  first.notes += 1
  for (let call: WatchedCall | undefined = first; call !== undefined; call = call.next) {
    call.context = richerContext(call.context, now)
  }
}

/**
 * Finishes the calls of a request. A single call whose context has no stores runs in the current context, which may have stores that
 * were entered later.
 */
function finishHere(first: WatchedCall): void {
  if (first.next === undefined && !mayHaveStores(first.context)) first.finished(false)
  else {
    noteContexts(first)
    finishAll(first, false)
  }
}

function finishAll(first: WatchedCall, aborted: boolean): void {
  for (let call: WatchedCall | undefined = first; call !== undefined; ) {
    const { next }: WatchedCall = call
    finishOne(call, aborted)
    call = next
  }
}

function finishOne(call: WatchedCall, aborted: boolean): void {
  call.next = undefined
  call.context.runInAsyncScope(call.finished, call, aborted)
}
