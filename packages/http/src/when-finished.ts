import type { AsyncResource } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Meter } from '@px-usage/core'
import { createOpenRequests } from './open-requests.ts'

/** A call whose response is watched. Copies of this package hand it to each other, so its shape belongs to the version below. */
export interface WatchedCall {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** For whom it is counted: once for each owner. */
  readonly owner: Meter
  /** In which the app's callbacks run. */
  context: AsyncResource
  /** Another call of the same request and owner, that of an app within this one's. It is not counted for itself. */
  noteInner?(call: WatchedCall): void
  /** The connection is gone: what the app writes from now on is never sent. Followed by `finished()`. */
  lost(): void
  /** The response is over: sent to the end, or given up. Called once, in `context`. Never throws. */
  finished(aborted: boolean): void

  // What follows is kept by `Completion` while the call is open. It is here because each further object of a request has a price.

  /** Calls of other owners for the same request. */
  next: WatchedCall | undefined
  /** The first calls of the requests before and after this one that are open on the same connection. */
  before: WatchedCall | undefined
  after: WatchedCall | undefined
  /** How often its async context was noted after the middleware. @default 0 */
  notes: number
  /** Whether its response waits behind that of a request before it on the connection. @default false */
  isQueued: boolean
}

export interface Completion {
  whenFinished(call: WatchedCall): void
  noteContext(req: IncomingMessage): void
}

const registryKey: unique symbol = Symbol.for('@px-usage/http.completion.1') as never

/**
 * One for all copies of this package in the process: ESM and CommonJS, and each evaluation by a hot reload or by a test runner
 * that resets modules. With one each, 30 reloads left 30 subscribers and 30 listeners on every connection, and two copies
 * counted a call twice. It stands on Node's channel, as test runners give every file its own global object.
 */
const completion: Completion = sharedCompletion()

function sharedCompletion(): Completion {
  const holder = channel('http.server.request.start') as { [registryKey]?: Completion }
  const shared = holder[registryKey]
  if (shared !== undefined) return shared
  const created = createOpenRequests()
  Reflect.defineProperty(holder, registryKey, { value: created })
  return created
}

/**
 * Calls `call.finished()` once the response is over: sent to the end, or given up (`aborted`). Never before it returns, and once for
 * each owner: what a middleware that is mounted twice asks for the second time is not called.
 *
 * Nothing of the request or response is patched, and on Node's own HTTP/1 responses nothing listens either: Node publishes
 * each request that comes and each response that finished, and what is still open when its connection closes was given up.
 * For all others (HTTP/2, requests that were injected without a connection, and those that had come before the first call) there
 * are listeners on the response.
 *
 * @throws whatever a request of a strange shape makes it throw; then nothing was registered
 */
export function whenFinished(call: WatchedCall): void {
  completion.whenFinished(call)
}

/**
 * Notes the async context of this moment for the callbacks of a call that is open. For adapters, at what a framework does within
 * a request: the app may have entered an AsyncLocalStorage after the middleware. Only the first three notes of a request count.
 */
export function noteContext(req: IncomingMessage): void {
  completion.noteContext(req)
}
