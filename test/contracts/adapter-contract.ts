import type { IncomingMessage, RequestListener } from 'node:http'
import type { Meter } from '@px-usage/core'
import { describe } from 'vitest'
import { abortedCalls } from './adapter/aborted-calls.ts'
import { asyncContexts } from './adapter/async-contexts.ts'
import { connections } from './adapter/connections.ts'
import { countedCalls } from './adapter/counted-calls.ts'
import { http2Calls } from './adapter/http2-calls.ts'
import { sameAnswers } from './adapter/same-answers.ts'

export interface MountedUsage {
  meter: Meter
  identify?: (source: unknown) => unknown
  /** How often the middleware is mounted. */
  times?: number
  /** A middleware of the app behind that of px-usage: calls `next` where it likes. */
  behind?: ((req: IncomingMessage, next: () => unknown) => unknown) | undefined
  /** A second meter, in a middleware of its own. */
  second?: Meter | undefined
}

/** What the contract asks an adapter's test to build. */
export interface AdapterHarness {
  /**
   * An app under the middleware, or without it when `usage` is not given. Its routes:
   * `GET /users/:id` sends `{"id":...}`; a nested router has `GET /orders/:id`; `GET /fails` throws, `GET /fails-later` after
   * a while; `GET /slow` never responds; `GET /stream` sends `bodyStream()` in the framework's way; and `handler` gets each request
   * to `/raw`, by any method.
   */
  createApp(usage?: MountedUsage, handler?: RequestListener): RequestListener
  /** Whether it is no framework but a listener beside those of the app. */
  isListener?: boolean
  /** Whether the framework works on HTTP/2 servers. */
  http2?: boolean
}

/** What every adapter does, on every framework version. */
export function adapterContract(harness: AdapterHarness): void {
  describe('names and counts', () => countedCalls(harness))
  describe('aborted calls', () => abortedCalls(harness))
  describe('connections', () => connections(harness))
  describe('async contexts', () => asyncContexts(harness))
  describe('responses equal byte for byte to those without the middleware', () => sameAnswers(harness))
  if (harness.http2) describe('HTTP/2', () => http2Calls(harness))
}
