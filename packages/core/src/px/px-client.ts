import type { Dispatcher as UndiciDispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import type { PxAnswer } from './delivery-result.ts'
import { createNodeDispatcher } from './node-dispatcher.ts'
import { readBody } from './read-body.ts'

/** What is used of a dispatcher of undici 7 or newer: a proxy agent, an agent with own certificates, a mock. */
export interface Dispatcher {
  dispatch(options: object, handler: object): boolean
}

export interface PxClientSettings {
  baseUrl: string
  /** Asked for each request, so that a key can be changed while the app runs. What it throws becomes the answer. */
  apiKey(): string
  dispatcher: Dispatcher | undefined
  /** For the whole request: connecting, headers and body. */
  timeoutMs: number
  /** Real time: the network does not follow a clock that a test or a demo moves. */
  clock: Clock
  /** Takes the time that an answer of PX says it is, epoch ms. */
  onDate?: (epochMs: number) => void
}

export interface PxRequest {
  method: 'GET' | 'POST' | 'PUT'
  /** With the query, from `/v1` on. */
  path: string
  body?: string
  /** How much of the answer's body is read. @default 65_536 */
  maxBodyBytes?: number
}

export interface PxClient {
  /** Never rejects: what happened is the answer. */
  request(request: PxRequest): Promise<PxAnswer>
  /** Breaks off what is still on its way. */
  close(): Promise<void>
}

/** What the headers of a response say. */
interface Head {
  status: number
  retryAfter: string | undefined
  dateMs: number | undefined
  contentEncoding: string
  contentType: string | undefined
}

const defaultMaxBodyBytes = 65_536
const maxConnections = 8

/**
 * Speaks to the PX REST API. Redirects are not followed (a followed POST becomes a GET, whose 200 would look like success),
 * nothing is repeated, and no compression is asked for; what comes compressed all the same is decompressed.
 *
 * Whether a byte of a request may have left is known from `onRequestStart`, which undici calls when a connected socket (TLS
 * included) is about to be written to; until then nothing was sent, whatever the error is.
 */
export function createPxClient(settings: PxClientSettings): PxClient {
  const { baseUrl, apiKey, dispatcher, timeoutMs, clock, onDate } = settings
  const { origin, pathname } = new URL(baseUrl)
  const prefix = pathname.replace(/\/+$/, '')
  const open = new Set<(error: Error) => void>()
  let agent: Promise<OwnDispatcher> | undefined

  async function door(): Promise<Dispatcher> {
    if (dispatcher !== undefined) return dispatcher
    agent ??= ownDispatcher()
    return agent
  }

  function exchange({ method, path, body, maxBodyBytes = defaultMaxBodyBytes }: PxRequest, key: string) {
    return new Promise<PxAnswer>((resolve) => {
      let controller: UndiciDispatcher.DispatchController | undefined
      let head: Head | undefined
      const chunks: Buffer[] = []
      let length = 0
      let brokenOff: Error | undefined
      let isSettled = false

      const cancelDeadline = clock.setTimer(
        () => breakOff(new Error(`there was no complete answer within ${timeoutMs} ms`)),
        timeoutMs,
      )
      open.add(breakOff)

      function breakOff(error: Error): void {
        brokenOff = error
        failed(error)
        controller?.abort(error)
      }

      function settle(): void {
        isSettled = true
        cancelDeadline()
        open.delete(breakOff)
      }

      function answered(isComplete: boolean): void {
        if (head === undefined || isSettled) return
        const { status, retryAfter, dateMs, ...said } = head
        settle()
        void readBody({ bytes: Buffer.concat(chunks), isComplete, ...said }, maxBodyBytes).then(
          ({ body, ...how }) =>
            resolve({
              answered: true,
              status,
              retryAfter,
              dateMs,
              baseUrl,
              body: withoutKey(body, key),
              ...how,
            }),
        )
      }

      /** Once the status is known it tells what became of the line, so a body that breaks off is no error. */
      function failed(error: unknown): void {
        if (head !== undefined) {
          answered(false)
          return
        }
        settle()
        resolve({ answered: false, error: cleaned(error, key), maybeSent: controller !== undefined })
      }

      const handler: UndiciDispatcher.DispatchHandler = {
        onRequestStart(started) {
          if (brokenOff === undefined) controller = started
          else started.abort(brokenOff)
        },
        onResponseStart(_controller, status, headers) {
          if (status < 200) return
          const dateMs = Date.parse([headers.date].flat()[0] ?? '')
          head = {
            status,
            retryAfter: [headers['retry-after']].flat()[0],
            dateMs: Number.isNaN(dateMs) ? undefined : dateMs,
            contentEncoding: [headers['content-encoding']].flat().join(),
            contentType: [headers['content-type']].flat()[0],
          }
          if (head.dateMs !== undefined) onDate?.(head.dateMs)
        },
        onResponseData(_controller, chunk) {
          chunks.push(chunk)
          length += chunk.length
          if (length > maxBodyBytes) breakOff(new Error(`the answer is longer than ${maxBodyBytes} bytes`))
        },
        onResponseEnd: () => answered(true),
        onResponseError: (_controller, error) => failed(error),
      }
      const request = {
        origin,
        path: prefix + path,
        method,
        headers: {
          'X-APTRINSIC-API-KEY': key,
          accept: 'application/json',
          'accept-encoding': 'identity',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body ?? null,
        // One deadline for all of it, above.
        headersTimeout: 0,
        bodyTimeout: 0,
      }
      door()
        .then((open) => {
          if (brokenOff === undefined) open.dispatch(request, handler)
        })
        .catch(failed)
    })
  }

  return {
    async request(request) {
      let key: string
      try {
        key = apiKey()
      } catch (error) {
        return { answered: false, error, maybeSent: false }
      }
      return exchange(request, key)
    },

    async close() {
      for (const breakOff of open) breakOff(new Error('the meter was closed'))
      const closing = agent
      agent = undefined
      await (await closing)?.destroy()
    },
  }
}

interface OwnDispatcher extends Dispatcher {
  destroy(): Promise<void>
}

/** undici is loaded with the first request: where it cannot run it ends the process when it is loaded. */
async function ownDispatcher(): Promise<OwnDispatcher> {
  if ((globalThis as { WebAssembly?: unknown }).WebAssembly === undefined)
    return createNodeDispatcher(maxConnections)
  const { Agent } = await import('undici')
  return new Agent({ connections: maxConnections, pipelining: 1 })
}

/** A proxy may repeat the request in its error page, and what was read of it may end within the key. */
function withoutKey(text: string, apiKey: string): string {
  if (apiKey === '') return text
  const mark = '(API key)'
  const clean = text.replaceAll(apiKey, mark)
  for (let length = apiKey.length - 1; length > 3; length--) {
    if (clean.endsWith(apiKey.slice(0, length))) return `${clean.slice(0, -length)}${mark}`
  }
  return clean
}

function cleaned(error: unknown, apiKey: string): unknown {
  const message = error instanceof Error ? error.message : String(error)
  if (apiKey === '' || !message.includes(apiKey)) return error
  return Object.assign(new Error(withoutKey(message, apiKey)), { code: (error as { code?: unknown }).code })
}
