import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Meter } from '@px-usage/core'
import { areStoresInUse, currentContext, mayHaveStores, richerContext } from './async-context.ts'
import { reportFailure } from './guard.ts'
import { createSlot } from './private-slot.ts'
import { nextTick, setImmediate } from './real-timers.ts'
import { watchResponse } from './watch-response.ts'
import type { Completion, WatchedCall } from './when-finished.ts'

/** What stays of the calls of a request whose response is over: an owner may ask for the same request again. */
class Over {
  readonly owner: Meter
  readonly aborted: boolean
  readonly next: Over | undefined

  constructor(owner: Meter, aborted: boolean, next: Over | undefined) {
    this.owner = owner
    this.aborted = aborted
    this.next = next
  }
}

/** An app may read a path that is watched many times; each note takes 0.1 us. */
const maxNotes = 3

/** What is known of a connection. It stands on the socket, so that a request needs nothing beside its call. */
interface Connection {
  /** The request that Node published last, until a middleware asks for it. */
  started: IncomingMessage | undefined
  /** The call that came last of those that are open; with pipelining it leads to the others. */
  newest: WatchedCall | undefined
  isWatched: boolean
}

const connectionKey: unique symbol = Symbol('px-usage.connection') as never
type WatchedSocket = Socket & { [connectionKey]?: Connection }

interface HttpMessage {
  socket: WatchedSocket
  request: IncomingMessage
}

export function createOpenRequests(): Completion {
  /** Of a request whose response is over, or is not one that Node publishes. */
  const states = createSlot<WatchedCall | Over>()
  let isSubscribed = false

  function onRequestStart(message: unknown): void {
    const { socket, request } = message as HttpMessage
    const connection = socket[connectionKey]
    if (connection === undefined)
      socket[connectionKey] = { started: request, newest: undefined, isWatched: false }
    else connection.started = request
  }

  function onResponseFinish(message: unknown): void {
    const { socket, request } = message as HttpMessage
    const connection = socket[connectionKey]
    if (connection === undefined) return
    // The connection may stay open for long, and the app's request with all it has must not.
    if (connection.started === request) connection.started = undefined
    const first = openCallOf(connection, request)
    if (first === undefined) return
    unlink(first, connection)
    markOver(first, false)
    // What waited behind another response finishes in the context of that one.
    if (first.isQueued) finishAll(first, false)
    else finishHere(first)
  }

  /** First of the listeners, so that it sees what was sent before those of the app write into the closed connection. */
  function watchConnection(socket: Socket): void {
    socket.prependListener('close', onConnectionClose)
    socket.on('removeListener', onListenerRemoved)
  }

  /**
   * An app that removes all `close` listeners of a connection removes ours by accident. Node does not report the last one that
   * is removed, so it may be ours once no other is left.
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
    connection.started = undefined
    connection.newest = undefined
    while (first?.before !== undefined) first = first.before
    while (first !== undefined) {
      const { after } = first
      markOver(first, true)
      for (let call: WatchedCall | undefined = first; call !== undefined; call = call.next) call.lost()
      // Node and the app see the connection close first, as they do without px-usage.
      nextTick(finishAll, first, true)
      first = after
    }
  }

  /** Waits for what Node publishes of a request. */
  function track(call: WatchedCall, socket: Socket, connection: Connection): void {
    if (!connection.isWatched) {
      connection.isWatched = true
      watchConnection(socket)
    }
    const before = connection.newest
    if (before !== undefined) before.after = call
    call.before = before
    call.isQueued = call.res.socket !== socket
    connection.newest = call
  }

  /** Listens for the end of a response of which Node publishes nothing, or has done so already. */
  function listen(call: WatchedCall): void {
    states.set(call.req, call)
    const end = (aborted: boolean) => {
      if (states.get(call.req) instanceof Over) return
      markOver(call, aborted)
      finishAll(call, aborted)
    }
    try {
      watchResponse(call.req, call.res, end)
    } catch (error) {
      // A response that cannot be watched never shows its end, so its call is counted now.
      reportFailure(error, call.owner)
      setImmediate(end, false)
    }
  }

  let lastOver: Over | undefined

  /** From now on the app may keep the request for long: it must keep neither its calls nor, through them, its neighbours. */
  function markOver(first: WatchedCall, aborted: boolean): void {
    first.before = undefined
    first.after = undefined
    if (first.next !== undefined || lastOver?.owner !== first.owner || lastOver.aborted !== aborted) {
      lastOver = new Over(first.owner, aborted, undefined)
    }
    let over = lastOver
    for (let call = first.next; call !== undefined; call = call.next)
      over = new Over(call.owner, aborted, over)
    states.set(first.req, over)
  }

  return {
    whenFinished(call) {
      if (!isSubscribed) {
        isSubscribed = true
        subscribe('http.server.request.start', onRequestStart)
        subscribe('http.server.response.finish', onResponseFinish)
      }
      const { req, res } = call
      const socket = socketOf(req)
      const connection = socket?.[connectionKey]
      if (socket !== undefined && connection?.started === req) {
        connection.started = undefined
        if (socket.destroyed || res.writableFinished) listen(call)
        else track(call, socket, connection)
        return
      }
      const state = openCallOf(connection, req) ?? states.get(req)
      if (state === undefined) listen(call)
      else if (!(state instanceof Over)) join(state, call)
      else if (!isOwned(state, call.owner)) {
        states.set(req, new Over(call.owner, state.aborted, state))
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

/** A request of HTTP/2 shows a stand-in for its connection, which throws when that is gone; kits show anything. */
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
  while (one.owner !== call.owner) {
    if (one.next === undefined) {
      one.next = call
      return
    }
    one = one.next
  }
  one.noteInner?.(call)
}

function isOwned(over: Over, owner: Meter): boolean {
  for (let one: Over | undefined = over; one !== undefined; one = one.next)
    if (one.owner === owner) return true
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

/** A call that was in no store needs no context but this one, which may have stores that were entered later. */
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
