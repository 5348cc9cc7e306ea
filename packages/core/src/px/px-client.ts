import type { Dispatcher as UndiciDispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import type { PxResponse } from './delivery-result.ts'
import { createNodeDispatcher } from './node-dispatcher.ts'
import { readBody } from './read-body.ts'

/** A dispatcher of undici 7 or newer, such as a proxy agent, an agent with its own certificates, or a mock. */
export interface Dispatcher {
  dispatch(options: object, handler: object): boolean
}

/** The settings of `createPxClient()`. */
export interface PxClientSettings {
  baseUrl: string
  /** Called for each request, so that the key can change while the app runs. An error that it throws becomes the response. */
  apiKey(): string
  /** Returns the headers that authenticate a request with this body. @default the header of PX with the API key */
  authenticate?(apiKey: string, body: string | undefined): Readonly<Record<string, string>>
  dispatcher: Dispatcher | undefined
  /** Time limit of a whole request, with connecting, headers and body, in milliseconds. */
  timeoutMs: number
  /** Measures the time limit in real time, because the network does not follow the clock of a test or a demo. */
  clock: Clock
  /** Called with the `Date` header of each response, epoch ms. */
  onDate?: (epochMs: number) => void
}

/** One request to PX. */
export interface PxRequest {
  method: 'GET' | 'POST' | 'PUT'
  /** The path from `/v1` on, with the query. */
  path: string
  body?: string
  /** The most bytes of the response's body that are read. @default 65_536 */
  maxBodyBytes?: number
}

/** A client of the PX REST API. */
export interface PxClient {
  /** Sends a request. It never rejects: an error is part of the result. */
  request(request: PxRequest): Promise<PxResponse>
  /** Aborts all open requests and closes the connections. */
  close(): Promise<void>
}

/** The status and headers of a response. */
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
 * Creates the client of the PX REST API. It follows no redirect, because a redirected POST becomes a GET whose 200 would look like
 * success. It retries nothing. It requests no compression, but decompresses a compressed response.
 *
 * `maybeSent` of an error comes from `onRequestStart`, which undici calls just before it writes to a connected socket (after the TLS
 * handshake). Until then nothing was sent, whatever the error is.
 */
export function createPxClient(settings: PxClientSettings): PxClient {
  const { baseUrl, apiKey, dispatcher, timeoutMs, clock, onDate } = settings
  const authenticate = settings.authenticate ?? ((key) => ({ 'X-APTRINSIC-API-KEY': key }))
  const { origin, pathname } = new URL(baseUrl)
  const prefix = pathname.replace(/\/+$/, '')
  const open = new Set<(error: Error) => void>()
  let agent: Promise<OwnDispatcher> | undefined

  async function usedDispatcher(): Promise<Dispatcher> {
    if (dispatcher !== undefined) return dispatcher
    agent ??= ownDispatcher()
    return agent
  }

  function exchange({ method, path, body, maxBodyBytes = defaultMaxBodyBytes }: PxRequest, key: string) {
    return new Promise<PxResponse>((resolve) => {
      let controller: UndiciDispatcher.DispatchController | undefined
      let head: Head | undefined
      const chunks: Buffer[] = []
      let length = 0
      let abortedBy: Error | undefined
      let isSettled = false

      const cancelDeadline = clock.setTimer(
        () => abort(new Error(`the response was not complete within ${timeoutMs} ms`)),
        timeoutMs,
      )
      open.add(abort)

      function abort(error: Error): void {
        abortedBy = error
        failed(error)
        controller?.abort(error)
      }

      function settle(): void {
        isSettled = true
        cancelDeadline()
        open.delete(abort)
      }

      function ended(isComplete: boolean): void {
        if (head === undefined || isSettled) return
        const { status, retryAfter, dateMs, ...encoding } = head
        settle()
        void readBody({ bytes: Buffer.concat(chunks), isComplete, ...encoding }, maxBodyBytes).then(
          ({ body, ...reading }) =>
            resolve({
              received: true,
              status,
              retryAfter,
              dateMs,
              baseUrl,
              body: withoutKey(body, key),
              ...reading,
            }),
        )
      }

      /** Ends the request with an error. If the status is known, it decides the outcome, and the incomplete body is no error. */
      function failed(error: unknown): void {
        if (head !== undefined) {
          ended(false)
          return
        }
        settle()
        resolve({ received: false, error: cleaned(error, key), maybeSent: controller !== undefined })
      }

      const handler: UndiciDispatcher.DispatchHandler = {
        onRequestStart(started) {
          if (abortedBy === undefined) controller = started
          else started.abort(abortedBy)
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
          if (length > maxBodyBytes) abort(new Error(`the response is longer than ${maxBodyBytes} bytes`))
        },
        onResponseEnd: () => ended(true),
        onResponseError: (_controller, error) => failed(error),
      }
      const request = {
        origin,
        path: prefix + path,
        method,
        headers: {
          ...authenticate(key, body),
          accept: 'application/json',
          'accept-encoding': 'identity',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body ?? null,
        // The deadline above covers the whole request.
        headersTimeout: 0,
        bodyTimeout: 0,
      }
      usedDispatcher()
        .then((open) => {
          if (abortedBy === undefined) open.dispatch(request, handler)
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
        return { received: false, error, maybeSent: false }
      }
      return exchange(request, key)
    },

    async close() {
      for (const abort of open) abort(new Error('the meter was closed'))
      const closing = agent
      agent = undefined
      await (await closing)?.destroy()
    },
  }
}

interface OwnDispatcher extends Dispatcher {
  destroy(): Promise<void>
}

/** Creates px-usage's own dispatcher. undici is imported here only, because importing it without WebAssembly terminates the process. */
async function ownDispatcher(): Promise<OwnDispatcher> {
  if ((globalThis as { WebAssembly?: unknown }).WebAssembly === undefined)
    return createNodeDispatcher(maxConnections)
  const { Agent } = await import('undici')
  return new Agent({ connections: maxConnections, pipelining: 1 })
}

/**
 * Removes the API key from a text. A proxy may repeat the request in its error page, and a page that was cut may end in the middle
 * of the key.
 */
function withoutKey(text: string, apiKey: string): string {
  if (apiKey === '') return text
  const mark = '(API key)'
  const clean = text.replaceAll(apiKey, mark)
  for (let length = apiKey.length - 1; length > 3; length--) {
    if (clean.endsWith(apiKey.slice(0, length))) return `${clean.slice(0, -length)}${mark}`
  }
  return clean
}

/** Returns the error, or a copy without the API key if its message contains the key. */
function cleaned(error: unknown, apiKey: string): unknown {
  const message = error instanceof Error ? error.message : String(error)
  if (apiKey === '' || !message.includes(apiKey)) return error
  return Object.assign(new Error(withoutKey(message, apiKey)), { code: (error as { code?: unknown }).code })
}
