import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import onFinished from 'on-finished'
import { guarded } from './guard.ts'
import { setImmediate, setTimeout } from './real-timers.ts'

type End = (aborted: boolean) => void

/** As long as a response without working events is looked at again before its call counts as aborted. */
const patienceMs = 60_000

/**
 * Calls `end`, perhaps more than once, when a response is over that Node publishes nothing of, and not before it returns: requests
 * that had come before the first call, HTTP/2, test kits, functions behind a gateway.
 *
 * on-finished watches what is on a real connection. Kits inject requests without one, or with one that is made up or belongs to
 * another request, which on-finished takes for a closed one: there the response alone is watched.
 *
 * @throws whatever a response of a strange shape makes it throw
 */
export function watchResponse(req: IncomingMessage, res: ServerResponse, end: End): void {
  const socket = connectionOf(req, res)
  if (isOver(res, socket)) {
    setImmediate(end, isAborted(res, socket))
    return
  }
  const over = guarded(
    () => end(isAborted(res, socket)),
    () => end(false),
  )
  if (socket !== undefined || streamOf(res) !== undefined) {
    onFinished(res, over)
    return
  }
  if (typeof res.on === 'function') {
    // Kits may finish within end(), before the response says that it has ended.
    res.on(
      'finish',
      guarded(() => end(false)),
    )
    res.on('close', over)
  }
  if (!hasListener(res)) lookAgain(res, end, 0)
}

/** The connection on which the response is sent, if it is a real one. HTTP/2 has one for many requests and shows a stand-in. */
function connectionOf(req: IncomingMessage, res: ServerResponse): Socket | undefined {
  if (streamOf(res) !== undefined) return undefined
  const { socket } = res
  return socket instanceof Socket && socket === req.socket ? socket : undefined
}

/** Whether the response was sent to its end, or never will be. */
export function isOver(res: ServerResponse, socket: Socket | undefined): boolean {
  return (
    res.writableFinished === true ||
    res.destroyed === true ||
    streamOf(res)?.destroyed === true ||
    socket?.destroyed === true
  )
}

function isAborted(res: ServerResponse, socket: Socket | undefined): boolean {
  const stream = streamOf(res)
  if (stream !== undefined) return isReset(stream)
  if (res.writableFinished === true) return false
  return socket?.destroyed === true || !isEnded(res)
}

/** HTTP/2 calls a response finished also when its stream was reset. */
function isReset({ rstCode, aborted }: Http2Stream): boolean {
  return rstCode !== 0 || aborted === true
}

function isEnded(res: ServerResponse): boolean {
  return res.writableEnded ?? res.finished ?? true
}

interface Http2Stream extends Duplex {
  rstCode: number
  aborted?: boolean
}

function streamOf(res: ServerResponse): Http2Stream | undefined {
  const { stream } = res as { stream?: unknown }
  return stream instanceof Duplex && 'rstCode' in stream ? (stream as Http2Stream) : undefined
}

/** Mocks may have an `on` that does nothing. */
function hasListener(res: ServerResponse): boolean {
  return typeof res.listenerCount === 'function' && res.listenerCount('finish') > 0
}

/** Looks at a response without working events until it is ended: at the end of this turn, and then less and less often. */
function lookAgain(res: ServerResponse, end: End, waitedMs: number): void {
  const look = guarded(
    () => {
      if (isEnded(res)) end(false)
      else if (waitedMs >= patienceMs) end(true)
      else {
        const nextMs = Math.min(Math.max(1, waitedMs), 1_000)
        setTimeout(lookAgain, nextMs, res, end, waitedMs + nextMs).unref()
      }
    },
    () => end(false),
  )
  if (waitedMs === 0) setImmediate(look)
  else look()
}
