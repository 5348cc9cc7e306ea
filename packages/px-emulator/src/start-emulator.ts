import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { CustomEvent } from './custom-event.ts'
import { PxError } from './px-error.ts'
import { answerPx, createPxState, type PxAnswer, resetPxState } from './px-routes.ts'
import { createReportPage } from './report-page.ts'

export interface EmulatorOptions {
  /** 0 takes a free one. @default 7070 */
  port?: number
  /** Where it listens. Anything but loopback shows the page to the network. @default '127.0.0.1' */
  host?: string
  /** The key that `X-APTRINSIC-API-KEY` must carry. @default 'emulator-key' */
  apiKey?: string
  /** The product key of `/v1/admin/subscription`. @default 'AP-DEMOEMULATOR-2' */
  productKey?: string
  /** Breaks requests to `/v1`, to try what a sender makes of it. */
  fault?: (request: ReceivedRequest) => Fault | undefined
}

/** What goes wrong with one request. */
export interface Fault {
  /** Waits before anything else. */
  delayMs?: number
  /** Answers this in place of the emulator. */
  status?: number
  body?: string
  headers?: Record<string, string>
  /** Cuts the connection without an answer. */
  reset?: boolean
  /** Does what was asked all the same, so that the sender cannot know. @default false */
  store?: boolean
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
  productKey: string
  /** Events stored so far, in the order of arrival. */
  events(): readonly CustomEvent[]
  /** Everything that came to `/v1`, in the order of arrival. */
  requests: readonly ReceivedRequest[]
  /** Forgets events, users, accounts and requests. */
  reset(): void
  close(): Promise<void>
}

const maxBodyBytes = 1024 * 1024

/** Starts a stand-in for the REST API of PX, and a page that shows what it received. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { port = 7070, host = '127.0.0.1', apiKey = 'emulator-key', fault } = options
  const productKey = options.productKey ?? 'AP-DEMOEMULATOR-2'
  const state = createPxState(productKey)
  const page = createReportPage(state)
  const requests: ReceivedRequest[] = []

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'http://emulator')
    const [root, ...path] = url.pathname.split('/').filter(Boolean).map(decodeSegment)
    if (root !== 'v1') return answerPage(req, res, url)
    const body = await readBody(req)
    const received = { method: req.method ?? 'GET', url: req.url ?? '/', headers: req.headers, body }
    requests.push(received)
    const work = (): PxAnswer => {
      if (req.headers['x-aptrinsic-api-key'] !== apiKey) {
        throw new PxError(401, 'Authentication failed in loginAwareAuthentication')
      }
      const request = { method: received.method, path, query: url.searchParams, body: () => parseJson(body) }
      return answerPx(state, request, Date.now())
    }
    const broken = fault?.(received)
    if (broken?.delayMs !== undefined) await setTimeout(broken.delayMs, undefined, { ref: false })
    if (broken?.store) work()
    if (broken?.reset) {
      res.destroy()
    } else if (broken?.status !== undefined) {
      res.writeHead(broken.status, broken.headers).end(broken.body)
    } else {
      const result = work()
      sendJson(res, result.status, result.body)
    }
  }

  async function answerPage(req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> {
    if (req.method !== 'GET') throw new PxError(405, `Request method '${req.method}' not supported`)
    const { contentType, body } = await page(url)
    res.writeHead(200, {
      'content-type': contentType,
      'content-security-policy': "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
    res.end(body)
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
    productKey,
    events: () => state.events,
    requests,
    reset() {
      resetPxState(state)
      requests.length = 0
    },
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
