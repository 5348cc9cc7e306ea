import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Meter } from '@px-usage/core'
import { areStoresInUse, currentContext, mayHaveStores, richerContext } from './async-context.ts'
import { reportFailure } from './guard.ts'
import { createSlot } from './private-slot.ts'
import { nextTick, setImmediate } from './real-timers.ts'
import { isOver, watchResponse } from './watch-response.ts'
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

interface HttpMessage {
  socket: Socket
  request: IncomingMessage
}

const newestKey: unique symbol = Symbol('px-usage.newest') as never
/** The newest call that is open on a connection; with pipelining it leads to the others. */
type WatchedSocket = Socket & { [newestKey]?: WatchedCall | undefined }

export function createOpenRequests(): Completion {
  /**
   * Of each request the first of its calls, which leads to those of other owners. `null` as long as there is none for a request
   * that Node has published, and `undefined` for one that it has not.
   */
  const states = createSlot<WatchedCall | Over | null>()
  let isSubscribed = false

  function onRequestStart(message: unknown): void {
    states.set((message as HttpMessage).request, null)
  }

  function onResponseFinish(message: unknown): void {
    const { socket, request } = message as HttpMessage
    const first = states.get(request)
    if (!first || first instanceof Over) return
    unlink(first, socket)
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
    let first = this[newestKey]
    this[newestKey] = undefined
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
  function track(call: WatchedCall): void {
    const { req, res } = call
    const socket: WatchedSocket = req.socket
    if (!(newestKey in socket)) watchConnection(socket)
    const before = socket[newestKey]
    if (before !== undefined) before.after = call
    call.before = before
    call.isQueued = res.socket !== socket
    socket[newestKey] = call
  }

  /** Listens for the end of a response of which Node publishes nothing any more. */
  function listen(call: WatchedCall): void {
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
      const state = states.get(req)
      if (state instanceof Over) {
        if (isOwned(state, call.owner)) return
        states.set(req, new Over(call.owner, state.aborted, state))
        nextTick(finishOne, call, state.aborted)
      } else if (state) join(state, call)
      else {
        states.set(req, call)
        if (state === null && !isOver(res, req.socket)) track(call)
        else listen(call)
      }
    },

    noteContext(req) {
      if (!areStoresInUse()) return
      const first = states.get(req)
      if (first && !(first instanceof Over) && first.notes < maxNotes) noteContexts(first)
    },
  }
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

function unlink(call: WatchedCall, socket: WatchedSocket): void {
  const { before, after } = call
  if (before !== undefined) before.after = after
  if (after !== undefined) after.before = before
  else if (socket[newestKey] === call) socket[newestKey] = before
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
