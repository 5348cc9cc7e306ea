import { type Meter, UsageError } from '@px-usage/core'

let isWarned = false

/**
 * Reports a failure of px-usage's own code, which must not reach the app. It never throws, also for a thrown proxy that throws when
 * it is read.
 *
 * @param meter reports the first failure through `onError`; without a meter, the process emits one warning
 */
export function reportFailure(error: unknown, meter?: Meter): void {
  try {
    // A meter that an older copy of core created has no such method.
    if (typeof meter?.adapterFailed === 'function') {
      meter.adapterFailed(error)
      return
    }
    if (isWarned) return
    isWarned = true
    const { code, message } = new UsageError(
      'PXU_ERR_ADAPTER_FAILED',
      'px-usage failed during a request of the app; the request was not affected. Some calls may be counted as (unmatched). Report the error below to the maintainers, with the versions of the framework and of px-usage.',
    )
    process.emitWarning(message, { type: 'PxUsageWarning', code, ...detailOf(error) })
  } catch {
    // A failing report must not become an error of the app either.
  }
}

function detailOf(error: unknown): { detail?: string } {
  try {
    const { stack } = error as { stack?: unknown }
    return { detail: typeof stack === 'string' ? stack : String(error) }
  } catch {
    return {}
  }
}

/**
 * Wraps a function that a framework calls within a request, such as an accessor, so that it never throws into the app.
 * Wrap each function once, at load time: a closure for each request would cost time.
 *
 * At most two arguments are passed on. A rest parameter would allocate for each call.
 *
 * @param fallback runs with the same `this` and arguments after `work` has thrown; its own errors are ignored
 * @returns a function that returns `undefined` if both `work` and the fallback throw
 */
export function guarded<This, Args extends [] | [unknown] | [unknown, unknown], Result>(
  work: (this: This, ...args: Args) => Result,
  fallback?: (this: This, ...args: Args) => Result,
): (this: This, ...args: Args) => Result | undefined {
  type WithTwo = (this: This, first: unknown, second: unknown) => Result
  const guardedWork = work as WithTwo
  const guardedFallback = fallback as WithTwo | undefined
  return function (this: This, first?: unknown, second?: unknown) {
    try {
      return guardedWork.call(this, first, second)
    } catch (error) {
      reportFailure(error)
    }
    try {
      return guardedFallback?.call(this, first, second)
    } catch {
      return undefined
    }
  }
}
