import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Meter } from '@px-usage/core'
import type { CallSettings } from './call-options.ts'
import { reportFailure } from './guard.ts'
import { ObservedCall } from './observed-call.ts'
import { setImmediate } from './real-timers.ts'
import { whenFinished } from './when-finished.ts'

/** Reads from one framework what the shared code needs to know of a call. `Source` is what the app's callbacks receive. */
export interface CallReader<Source> {
  /**
   * Notes what the adapter needs when a request arrives. It runs within the request. If it throws, the request continues, px-usage
   * reports the failure, and the call counts as `(unmatched)`.
   *
   * @returns a value that `route` receives as `entered` for this call
   */
  enter?(source: Source): unknown
  /**
   * Returns the route template of the call, or `undefined` if no route matched. Called after the response has finished.
   *
   * @param statusCode as in a `FinishedCall`
   * @param entered what `enter` returned
   */
  route(source: Source, statusCode: number, entered: unknown): string | undefined
  /**
   * Returns the name of a call to which an app mounted in this one responded. Without this method, the name stays `inner`.
   *
   * @param inner the name that the middleware of that app gave, with the same meter
   */
  around?(source: Source, inner: string): string
}

/** What one middleware needs to count its calls. */
export interface Observer<Source> {
  meter: Meter
  options: CallSettings<Source>
  reader: CallReader<Source>
}

/**
 * Records the call in the meter once, when its response has finished. The app's callbacks run in the async context of the
 * middleware, or in a later one of the same request (`noteContext`).
 *
 * Apart from accessors of the adapters, which are `guarded`, this is the only code of px-usage that runs within a request. It never throws. If it or a callback of the app fails, the
 * request continues as without px-usage, the failure is reported once, and the call is still counted.
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
    // The end of a response that cannot be watched goes unnoticed, so its call would never be counted: count it now.
    if (!isWatched) setImmediate(finishUnwatched, call)
  }
}

function finishUnwatched<Source>(call: ObservedCall<Source> | undefined): void {
  call?.finished(false)
}
