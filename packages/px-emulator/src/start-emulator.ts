import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CustomEvent } from './custom-event.ts'
import { eventsPage } from './events-page.ts'
import { PxError } from './px-error.ts'
import { answerPx, createPxState } from './px-routes.ts'

export interface EmulatorOptions {
  /** 0 takes a free one. @default 7070 */
  port?: number
  /** Where it listens. Anything but loopback shows the page to the network. @default '127.0.0.1' */
  host?: string
  /** The key that `X-APTRINSIC-API-KEY` must carry. @default 'emulator-key' */
  apiKey?: string
  /** Gives the answer to a request to `/v1` before the emulator does, to try what a sender makes of it. */
  fault?: (
    request: ReceivedRequest,
  ) => { status: number; body?: string; headers?: Record<string, string> } | undefined
}

/** A request to `/v1` as it came in. */
export interface ReceivedRequest {
  method: string
  /** With its query, as received. */
  url: string
  headers: IncomingMessage['headers']
  body: string
}

export interface Emulator {
  /** `http://127.0.0.1:7070` */
  url: string
  apiKey: string
  /** Events stored so far, in the order of arrival. */
  events(): readonly CustomEvent[]
  /** Everything that came to `/v1`, in the order of arrival. */
  requests: readonly ReceivedRequest[]
  close(): Promise<void>
}

const maxBodyBytes = 1024 * 1024

/** Starts a stand-in for the REST API of PX, and a page that shows what it received. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { port = 7070, host = '127.0.0.1', apiKey = 'emulator-key', fault } = options
  const state = createPxState()
  const requests: ReceivedRequest[] = []

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'http://emulator')
    const [root, ...path] = url.pathname.split('/').filter(Boolean).map(decodeSegment)
    if (root !== 'v1') return answerPage(req, res, url)
    const body = await readBody(req)
    const received = { method: req.method ?? 'GET', url: req.url ?? '/', headers: req.headers, body }
    requests.push(received)
    const broken = fault?.(received)
    if (broken !== undefined) {
      res.writeHead(broken.status, broken.headers).end(broken.body)
      return
    }
    if (req.headers['x-aptrinsic-api-key'] !== apiKey) {
      throw new PxError(401, 'Authentication failed in loginAwareAuthentication')
    }
    const result = answerPx(
      state,
      { method: received.method, path, query: url.searchParams, body: () => parseJson(body) },
      Date.now(),
    )
    sendJson(res, result.status, result.body)
  }

  function answerPage(req: IncomingMessage, res: ServerResponse, { pathname }: URL): void {
    if (pathname === '/' && req.method === 'GET') {
      res.writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      })
      res.end(eventsPage(state.events))
    } else {
      throw new PxError(404, 'No such path')
    }
  }

  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => {
      const known = error instanceof PxError ? error : new PxError(500, String(error))
      if (!res.headersSent) sendJson(res, known.statusCode, known.body())
      else res.destroy()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    apiKey,
    events: () => state.events,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBodyBytes) throw new PxError(413, `A body may have ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new PxError(400, 'Malformed JSON request')
  }
}

function sendJson(res: ServerResponse, status: number, body?: object): void {
  if (body === undefined) res.writeHead(status).end()
  else res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
