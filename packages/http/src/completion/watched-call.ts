import type { AsyncResource } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Meter } from '@px-usage/core'

/**
 * A call whose response is watched. Several copies of this package exchange such objects, so a change of its shape needs a new
 * number in `registryKey` of when-finished.ts.
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
