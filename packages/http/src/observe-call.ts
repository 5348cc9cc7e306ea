import type { IncomingMessage, ServerResponse } from 'node:http'
import { whenFinished } from './completion/when-finished.ts'
import { reportFailure } from './guard.ts'
import { ObservedCall } from './observed-call.ts'
import type { Observer } from './observer.ts'
import { setImmediate } from './real-timers.ts'

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
