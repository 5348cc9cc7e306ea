import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import type { PxResponse } from '../api/px-routes.ts'
import { PxError } from '../px-error.ts'
import type { Switches } from '../switches.ts'
import type { Fault } from './faults.ts'

/** A response in the form in which it is sent. */
export interface WireResponse {
  status: number
  headers: Record<string, string>
  body: string
}

const json = { 'content-type': 'application/json' }
const pieces = 10

export function wireResponse({ status, body }: PxResponse): WireResponse {
  if (body === undefined) return { status, headers: {}, body: '' }
  if (typeof body === 'string') return { status, headers: { 'content-type': 'text/plain' }, body }
  return { status, headers: json, body: JSON.stringify(body) }
}

export function wireError(
  error: unknown,
  { errorBody, retryAfterSeconds }: Readonly<Switches>,
): WireResponse {
  const known = error instanceof PxError ? error : new PxError(500, String(error))
  const status = known.statusCode
  const headers: Record<string, string> = {}
  if (status === 429 && retryAfterSeconds !== null) headers['retry-after'] = String(retryAfterSeconds)
  switch (errorBody) {
    case 'json':
      return { status, headers: { ...headers, ...json }, body: JSON.stringify(known.body()) }
    case 'html':
      return {
        status,
        headers: { ...headers, 'content-type': 'text/html; charset=UTF-8' },
        body: htmlPage(status),
      }
    case 'empty':
      return { status, headers, body: '' }
  }
}

/** The error page of a proxy in front of PX. */
function htmlPage(status: number): string {
  return `<!doctype html><meta charset="utf-8"><title>Error ${status}</title><h1>Error ${status}</h1>`
}

/** Sends a response, with the fault applied. Returns its status, or `null` if the connection was cut. */
export async function sendResponse(
  res: ServerResponse,
  response: WireResponse,
  fault: Fault = {},
): Promise<number | null> {
  if (fault.slowHeadersMs !== undefined) await wait(fault.slowHeadersMs)
  if (fault.reset) {
    res.destroy()
    return null
  }
  const { status, headers } = response
  const body = Buffer.from(response.body)
  if (fault.giantBytes !== undefined) {
    await pour(res.writeHead(status, headers), fault.giantBytes)
  } else if (fault.truncate) {
    res.writeHead(status, { ...headers, 'content-length': String(body.length + 1_000) })
    const part = body.length > 0 ? body.subarray(0, Math.ceil(body.length / 2)) : ' '
    // Without this wait the connection is cut before the written part is sent.
    await new Promise<unknown>((resolve) => res.write(part, resolve))
    res.destroy()
  } else if (fault.slowBodyMs !== undefined) {
    res.writeHead(status, headers).flushHeaders()
    await trickle(res, body, fault.slowBodyMs)
  } else {
    const length = status === 204 || status === 304 ? {} : { 'content-length': String(body.length) }
    res.writeHead(status, { ...headers, ...length }).end(body)
  }
  return status
}

async function trickle(res: ServerResponse, body: Buffer, ms: number): Promise<void> {
  const size = Math.max(1, Math.ceil(body.length / pieces))
  for (let piece = 0; piece < pieces && !res.destroyed; piece += 1) {
    await wait(ms / pieces)
    res.write(body.subarray(piece * size, (piece + 1) * size))
  }
  res.end()
}

/** Writes blanks no faster than the sender reads them, so that they do not pile up in memory. */
async function pour(res: ServerResponse, bytes: number): Promise<void> {
  const chunk = Buffer.alloc(65_536, ' ')
  const gone = once(res, 'close').catch(() => {})
  for (let left = bytes; left > 0 && !res.destroyed; left -= chunk.length) {
    if (!res.write(chunk.subarray(0, left))) await Promise.race([once(res, 'drain'), gone])
  }
  res.end()
}

export function wait(ms: number): Promise<void> {
  return setTimeout(ms, undefined, { ref: false })
}
