import { type Meter, UsageError } from '@px-usage/core'

let isWarned = false

/**
 * Reports a failure of our own code, which the app must not see. Survives whatever was thrown: a proxy may throw when it is
 * looked at.
 *
 * @param meter reports it, once; without a meter, the process warns, once
 */
export function reportFailure(error: unknown, meter?: Meter): void {
  try {
    // A meter of an older copy of core cannot report failures of adapters.
    if (typeof meter?.adapterFailed === 'function') {
      meter.adapterFailed(error)
      return
    }
    if (isWarned) return
    isWarned = true
    const { code, message } = new UsageError(
      'PXU_ERR_ADAPTER_FAILED',
      'px-usage failed within a request of the app, which went on as without it. Some calls may be counted as (unmatched).',
    )
    process.emitWarning(message, { type: 'PxUsageWarning', code, ...detailOf(error) })
  } catch {
    // What cannot be reported must still not become an error of the app.
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
 * Wraps a function that a framework calls within a request, such as an accessor: it never throws into the app. To be called once
 * for each function, not once for each request.
 *
 * @param fallback runs with the same `this` and arguments after `work` has thrown; what it throws itself is dropped
 * @returns a function that returns `undefined` if `work`, and the fallback, throw
 */
export function guarded<This, Args extends unknown[], Result>(
  work: (this: This, ...args: Args) => Result,
  fallback?: (this: This, ...args: Args) => Result,
): (this: This, ...args: Args) => Result | undefined {
  return function (...args) {
    try {
      return work.apply(this, args)
    } catch (error) {
      reportFailure(error)
    }
    try {
      return fallback?.apply(this, args)
    } catch {
      return undefined
    }
  }
}
