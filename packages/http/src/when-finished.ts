import { subscribe } from 'node:diagnostics_channel'
import { type IncomingMessage, ServerResponse } from 'node:http'
import { Server, type Socket } from 'node:net'
import onFinished from 'on-finished'

type Done = (aborted: boolean) => void

/** A response that is not over, and who waits for it. */
interface Open {
  readonly res: ServerResponse
  readonly done: Done
}

/** By connection, in the order of the answers: one after the other with keep-alive, several at once with pipelining. */
const openResponses = new WeakMap<Socket, Open[]>()
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
  if (isOver(req.socket, res)) {
    process.nextTick(done, !res.writableFinished)
    return
  }
  let open = openResponses.get(req.socket)
  if (open === undefined) {
    open = []
    openResponses.set(req.socket, open)
    req.socket.on('close', onConnectionClose)
    if (!isSubscribed) subscribe('http.server.response.finish', onResponseFinish)
    isSubscribed = true
  }
  // It waits behind another one of its connection, or is made by hand and never published.
  if (res.socket === null && !open.some((other) => other.res === res)) {
    res.once('finish', () => finish(req.socket, res))
  }
  open.push({ res, done })
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

function onResponseFinish(message: unknown): void {
  const { socket, response } = message as { socket: Socket; response: ServerResponse }
  finish(socket, response)
}

function finish(socket: Socket, res: ServerResponse): void {
  const open = openResponses.get(socket)
  for (let at = 0; open !== undefined && at < open.length; ) {
    const { res: other, done } = open[at] as Open
    if (other !== res) at += 1
    else {
      open.splice(at, 1)
      done(false)
    }
  }
}

function onConnectionClose(this: Socket): void {
  const open = openResponses.get(this)
  openResponses.delete(this)
  open?.forEach(giveUp)
}

function giveUp({ done }: Open): void {
  done(true)
}

/** HTTP/2 calls a response finished also when its stream was reset. */
function isAborted(res: ServerResponse): boolean {
  const { stream } = res as { stream?: { aborted?: boolean; rstCode?: number } }
  if (typeof stream?.rstCode === 'number') return stream.rstCode !== 0 || stream.aborted === true
  return !(res.writableFinished ?? res.writableEnded)
}
