import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { authorize } from '../api/api-keys.ts'
import { handlePxRequest, type PxRequest } from '../api/px-routes.ts'
import type { RateLimiter } from '../api/rate-limiter.ts'
import { parseJson } from '../events/custom-event.ts'
import { pageFile } from '../page-files.ts'
import { PxError } from '../px-error.ts'
import { defaultSwitches } from '../switches.ts'
import { type ControlContext, handleControlRequest } from './control-api.ts'
import type { Fault, ReceivedRequest } from './faults.ts'
import { sendResponse, wait, wireError, wireResponse } from './send-response.ts'

export interface ServerSettings extends ControlContext {
  limiter: RateLimiter
  /** Whether the page and the inspection API accept loopback host names only. */
  isLoopback: boolean
  fault: ((request: ReceivedRequest) => Fault | undefined) | undefined
  received(request: ReceivedRequest): void
}

const maxBodyBytes = 1024 * 1024
/** Limit for the body of a request without a valid key: without it, 400 bodies of 1 MB took 885 MB of memory. */
const maxForeignBytes = 1024

/** Serves `/v1`, the inspection API and the page. */
export function createEmulatorServer(settings: ServerSettings): Server {
  return createServer((req, res) => {
    serve(settings, req, res).catch((error: unknown) => {
      if (res.headersSent) res.destroy()
      else sendResponse(res, wireError(error, defaultSwitches)).catch(() => res.destroy())
    })
  })
}

async function serve(settings: ServerSettings, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = urlOf(req)
  const [, root, ...rest] = url.pathname.split('/')
  if (root === 'v1') return serveV1(settings, req, res, url, rest)
  checkCaller(req, settings.isLoopback)
  if (root !== '_px-emulator') {
    const { headers, body } = await pageFile(req.method ?? 'GET', url.pathname)
    res.writeHead(200, headers).end(body)
    return
  }
  const body = await readBody(req)
  const path = rest.map(decode)
  const request = { method: req.method ?? 'GET', path, query: url.searchParams, body: () => parsed(body) }
  const response = wireResponse(handleControlRequest(settings, request))
  await sendResponse(res, { ...response, headers: { ...response.headers, 'cache-control': 'no-store' } })
}

async function serveV1(
  settings: ServerSettings,
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
  rest: readonly string[],
): Promise<void> {
  const { state, keys, limiter, faults, now } = settings
  const { method = 'GET', headers } = req
  const isKnown = keys.has(String(headers['x-aptrinsic-api-key']))
  const body = await readBody(req, isKnown ? maxBodyBytes : maxForeignBytes)
  const received: ReceivedRequest = {
    method,
    url: req.url ?? '/',
    headers,
    body: body.text,
    receivedMs: now(),
  }
  settings.received(received)
  const fault = settings.fault?.(received) ?? faults.pick(received)
  if (fault?.delayMs !== undefined) await wait(fault.delayMs)
  const work = () => {
    try {
      const key = authorize(
        keys,
        headers['x-aptrinsic-api-key'] as string | undefined,
        method,
        state.switches,
      )
      limiter.take({ key, address: req.socket.remoteAddress ?? '' }, now())
      const path = rest.map(state.switches.pathIds === 'decode' ? decode : (segment) => segment)
      const request: PxRequest = { method, path, query: url.searchParams, body: () => parsed(body) }
      return wireResponse(handlePxRequest(state, request, now()))
    } catch (error) {
      return wireError(error, state.switches)
    }
  }
  const inPlace = fault?.status !== undefined || fault?.reset === true
  const real = inPlace && fault?.store !== true ? undefined : work()
  const status = fault?.status ?? real?.status ?? 200
  const response =
    fault?.status !== undefined || fault?.body !== undefined || real === undefined
      ? { status, headers: fault?.headers ?? {}, body: fault?.body ?? '' }
      : { ...real, headers: { ...real.headers, ...fault?.headers } }
  received.status = await sendResponse(res, response, fault)
}

function urlOf(req: IncomingMessage): URL {
  try {
    return new URL(`http://emulator${req.url?.startsWith('/') ? '' : '/'}${req.url}`)
  } catch {
    throw new PxError(400, `Malformed path ${JSON.stringify(req.url)}`)
  }
}

/**
 * Rejects requests of foreign web pages to the page and the inspection API. A page of another site in the same browser can send
 * requests to loopback, and through a host name that resolves to loopback it could read the responses too.
 *
 * @throws {PxError} 403
 */
function checkCaller({ headers: { host = '', origin } }: IncomingMessage, isLoopback: boolean): void {
  const name = host.replace(/:\d+$/, '')
  const isLocal = name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name)
  // A proxy in front of the emulator may use https, so the scheme is not compared.
  const isForeign = origin !== undefined && origin.replace(/^https?:\/\//, '') !== host
  if (isForeign || (isLoopback && !isLocal)) {
    throw new PxError(
      403,
      `Requests from ${origin ?? name} are not allowed. Open the page by a loopback address, or start with --host.`,
    )
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

interface Body {
  text: string
  /** Whether `text` is the whole body. */
  isWhole: boolean
}

async function readBody(req: IncomingMessage, maxBytes = maxBodyBytes): Promise<Body> {
  const chunks: Buffer[] = []
  let kept = 0
  let length = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length
    // The rest is read too, because a connection with unread bytes is cut before the response arrives.
    const part = chunk.subarray(0, maxBytes - kept)
    // A partial chunk is copied, because a subarray would keep the whole chunk in memory.
    if (part.length > 0) chunks.push(part.length < chunk.length ? Buffer.from(part) : part)
    kept += part.length
  }
  const text = Buffer.concat(chunks).toString('utf8')
  return { text, isWhole: length <= maxBytes }
}

/** @throws {PxError} 413 or 400 */
function parsed({ text, isWhole }: Body): unknown {
  if (!isWhole) throw new PxError(413, `The body is larger than ${maxBodyBytes} bytes`)
  return parseJson(text)
}
