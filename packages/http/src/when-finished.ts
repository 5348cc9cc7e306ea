import type { AsyncResource } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Meter } from '@px-usage/core'
import { createOpenRequests } from './open-requests.ts'

/**
 * A call whose response is watched. Several copies of this package exchange such objects, so a change of its shape needs a new
 * number in `registryKey`.
 */
export interface WatchedCall {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** The meter that records the call. Each meter records a request once. */
  readonly meter: Meter
  /** The async context in which the app's callbacks run. */
  context: AsyncResource
  /** Receives another call of the same request and meter, from an app mounted in this one. That call is not recorded. */
  noteInner?(call: WatchedCall): void
  /** Called when the connection has closed: later writes of the app are never sent. `finished()` follows. */
  lost(): void
  /** Called once, in `context`, when the response was sent completely or was aborted. Never throws. */
  finished(aborted: boolean): void

  // `Completion` maintains the fields below while the call is open. A separate object for each request would cost time.

  /** The next call of the same request, of another meter. */
  next: WatchedCall | undefined
  /** The first calls of the previous and the next open request on the same connection. */
  before: WatchedCall | undefined
  after: WatchedCall | undefined
  /** How often a later async context was noted. @default 0 */
  notes: number
  /** Whether the response waits behind that of an earlier request on the same connection. @default false */
  isQueued: boolean
}

/** Detects when responses have finished. One object serves the whole process. */
export interface Completion {
  whenFinished(call: WatchedCall): void
  noteContext(req: IncomingMessage): void
}

const registryKey: unique symbol = Symbol.for('@px-usage/http.completion.1') as never

/**
 * Shared by all copies of this package in the process: ESM and CommonJS, and each evaluation by a hot reload or by a test runner
 * that resets modules. With one per copy, 30 reloads left 30 subscribers and 30 listeners on every connection, and two copies
 * counted a call twice. It is kept on Node's channel, because test runners give every file its own global object.
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
 * Calls `call.finished()` once, when the response was sent completely or was aborted. It does so after it has returned, and once for
 * each meter: a middleware that is mounted twice records the request once.
 *
 * No method of the request or response is patched. HTTP/1 responses of Node get no listeners either: Node publishes each request
 * that starts and each response that finishes, and a response that is still open when its connection closes was aborted.
 * Other responses get listeners: HTTP/2, requests injected without a connection, and requests that began before the first call.
 *
 * @throws any error that an unusual request object causes; then nothing was registered
 */
export function whenFinished(call: WatchedCall): void {
  completion.whenFinished(call)
}

/**
 * Notes the current async context for the callbacks of an open call. Adapters call it from framework code that runs after the
 * middleware, because the app may have entered an AsyncLocalStorage in between. Only the first three notes of a request count.
 */
export function noteContext(req: IncomingMessage): void {
  completion.noteContext(req)
}
