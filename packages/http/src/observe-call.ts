import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Meter } from '@px-usage/core'
import type { CallSettings } from './call-options.ts'
import { reportFailure } from './guard.ts'
import { ObservedCall } from './observed-call.ts'
import { setImmediate } from './real-timers.ts'
import { whenFinished } from './when-finished.ts'

/** How one framework tells what the shared code must know of a call. `Source` is what the app's callbacks are given. */
export interface CallReader<Source> {
  /**
   * What the adapter notes when a request comes. It runs within the request: if it throws, the app goes on, the failure is
   * reported, and the call counts as `(unmatched)`.
   *
   * @returns what `route` is given again for this call
   */
  enter?(source: Source): unknown
  /**
   * Route template of the call; `undefined` when no route matched. Asked after the response has finished.
   *
   * @param statusCode as in a `FinishedCall`
   * @param entered what `enter` returned
   */
  route(source: Source, statusCode: number, entered: unknown): string | undefined
  /**
   * The name of a call to which an app within this one responded.
   *
   * @param inner the name that the middleware within that app gives, with the same meter
   * @default inner
   */
  around?(source: Source, inner: string): string
}

/** How the calls of one middleware are counted. */
export interface Observer<Source> {
  meter: Meter
  options: CallSettings<Source>
  reader: CallReader<Source>
}

/**
 * Records the call in the meter when its response is over, once. This is the only code of px-usage that runs within a request of
 * the app, and all of it is guarded: whatever fails here or in the app's callbacks, the app goes on as without it, the failure
 * is reported once, and the call is counted. The callbacks run in the async context of the middleware, or in a later one of the
 * same request (`noteContext`).
 */
export function observeCall<Source>(
  req: IncomingMessage,
  res: ServerResponse,
  source: Source,
  observer: Observer<Source>,
): void {
  let call: ObservedCall<Source> | undefined
  let isWatched = false
  try {
    call = new ObservedCall(req, res, source, observer)
    whenFinished(call)
    isWatched = true
    call.noteSentBefore()
    call.entered = observer.reader.enter?.(source)
  } catch (error) {
    reportFailure(error, observer.meter)
    call?.enterFailed()
    // A response that cannot be watched never shows its end, so its call is counted now.
    if (!isWatched) setImmediate(finishUnwatched, call)
  }
}

function finishUnwatched<Source>(call: ObservedCall<Source> | undefined): void {
  call?.finished(false)
}
