import { subscribe } from 'node:diagnostics_channel'
import { type IncomingMessage, ServerResponse } from 'node:http'
import { Server, type Socket } from 'node:net'
import onFinished from 'on-finished'

type Done = (aborted: boolean) => void

/** A response that is not over, in the list of those of its connection: more than one only with pipelining. */
interface OpenResponse {
  done: Done
  before: OpenResponse | undefined
  after: OpenResponse | undefined
}

const openKey: unique symbol = Symbol('px-usage.open') as never
const newestKey: unique symbol = Symbol('px-usage.newest') as never
type WatchedResponse = ServerResponse & { [openKey]?: OpenResponse | undefined }
type WatchedSocket = Socket & { [newestKey]?: OpenResponse | undefined }

let isSubscribed = false

/**
 * Calls `done` once the response is over: sent to the end, or given up (`aborted`). Never before it returns.
 *
 * Nothing of the response is patched, and on Node's own HTTP/1 responses nothing listens either: Node publishes each
 * response that finished, and what is still open when its connection closes was given up.
 */
export function whenFinished(req: IncomingMessage, res: ServerResponse, done: Done): void {
  if (!isPublished(req, res)) {
    onFinished(res, () => done(isAborted(res)))
    return
  }
  const { socket } = req
  if (isOver(socket, res)) {
    process.nextTick(done, !res.writableFinished)
    return
  }
  const known = (res as WatchedResponse)[openKey]
  if (known === undefined) open(socket, res, done)
  else known.done = both(known.done, done)
}

function open(socket: WatchedSocket, res: WatchedResponse, done: Done): void {
  if (!(newestKey in socket)) {
    socket.on('close', onConnectionClose)
    if (!isSubscribed) subscribe('http.server.response.finish', onResponseFinish)
    isSubscribed = true
  }
  const before = socket[newestKey]
  const opened: OpenResponse = { done, before, after: undefined }
  if (before !== undefined) before.after = opened
  socket[newestKey] = opened
  res[openKey] = opened
  // It waits behind another one of its connection, or is made by hand and never published.
  if (res.socket === null) res.once('finish', () => finish(socket, res))
}

/**
 * On a connection of a server of node:http, which publishes the responses that it makes. Gateways and test kits make theirs on
 * connections of their own; a request that is taken over by `upgrade` has no response.
 */
function isPublished(
  { socket, upgrade }: IncomingMessage & { upgrade?: boolean },
  res: ServerResponse,
): boolean {
  return (
    res instanceof ServerResponse &&
    (socket as { server?: unknown } | null)?.server instanceof Server &&
    upgrade !== true
  )
}

/** Too late to be told: a response that has finished is taken off its socket in the same moment. */
function isOver(socket: Socket, res: ServerResponse): boolean {
  return socket.closed || (res.socket === null && res.writableFinished)
}

function both(first: Done, second: Done): Done {
  return (aborted) => {
    first(aborted)
    second(aborted)
  }
}

function onResponseFinish(message: unknown): void {
  const { socket, response } = message as { socket: Socket; response: ServerResponse }
  finish(socket, response)
}

function finish(socket: WatchedSocket, res: WatchedResponse): void {
  const opened = res[openKey]
  if (opened === undefined) return
  res[openKey] = undefined
  const { before, after, done } = opened
  if (before !== undefined) before.after = after
  if (after !== undefined) after.before = before
  else if (socket[newestKey] === opened) socket[newestKey] = before
  opened.done = ignore
  done(false)
}

function onConnectionClose(this: WatchedSocket): void {
  let opened = this[newestKey]
  this[newestKey] = undefined
  while (opened?.before !== undefined) opened = opened.before
  for (; opened !== undefined; opened = opened.after) {
    const { done } = opened
    opened.done = ignore
    done(true)
  }
}

function ignore(): void {}

/** HTTP/2 calls a response finished also when its stream was reset. */
function isAborted(res: ServerResponse): boolean {
  const { stream } = res as { stream?: { aborted?: boolean; rstCode?: number } }
  if (typeof stream?.rstCode === 'number') return stream.rstCode !== 0 || stream.aborted === true
  return !(res.writableFinished ?? res.writableEnded)
}
