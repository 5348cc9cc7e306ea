import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import onFinished from 'on-finished'
import { guarded } from '../guard.ts'
import { setImmediate, setTimeout } from '../real-timers.ts'

type End = (aborted: boolean) => void

/** How long a response without working events is polled before its call counts as aborted: 60000 ms (1 minute). */
const patienceMs = 60_000

/**
 * Detects completion where Node publishes no event: HTTP/2, requests that began before the first call, mocks, and functions behind
 * a gateway. Calls `end` after it has returned, and possibly more than once.
 *
 * on-finished watches responses on a real connection. Test tools inject requests without a connection, with a fake one or with that
 * of another request. on-finished takes such a connection for a closed one, so there the response alone is watched.
 *
 * @throws any error that an unusual response object causes
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
    // Mocks may emit `finish` within end(), before `writableEnded` is true, and would look aborted.
    res.on(
      'finish',
      guarded(() => end(false)),
    )
    res.on('close', over)
  }
  if (!hasListener(res)) lookAgain(res, end, 0)
}

/** Returns the real connection of the response, if it has one. HTTP/2 shares one between requests and shows a proxy of it. */
function connectionOf(req: IncomingMessage, res: ServerResponse): Socket | undefined {
  if (streamOf(res) !== undefined) return undefined
  const { socket } = res
  return socket instanceof Socket && socket === req.socket ? socket : undefined
}

/** Returns whether the response was sent completely, or cannot be any more. */
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

/** Returns whether the HTTP/2 stream was reset. Node reports such a response as finished too. */
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

/** Returns whether the response really has our listener: `on` of a mock may do nothing. */
function hasListener(res: ServerResponse): boolean {
  return typeof res.listenerCount === 'function' && res.listenerCount('finish') > 0
}

/** Polls a response without working events until it has ended: at the end of this turn, then at intervals that double up to 1 s. */
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
