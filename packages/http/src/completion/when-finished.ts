import { channel } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { createOpenRequests } from './open-requests.ts'
import type { Completion, WatchedCall } from './watched-call.ts'

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
 * No method of the request or response is patched. HTTP/1 responses of Node get no listeners either: Node publishes each response
 * that finishes, and a response that is still open when its connection closes was aborted. Other responses get listeners: HTTP/2,
 * and requests that were upgraded or injected without a connection.
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
