import type { Diagnostics } from '../diagnostics.ts'

/** The app's callbacks about a call, beside `identify`. */
export type CallCallback = 'endpoint' | 'ignore' | 'properties'

/** Reports a callback that failed for a call. */
export function reportCallbackFailure(
  diagnostics: Diagnostics,
  callback: CallCallback,
  error: unknown,
): void {
  diagnostics.publish('attribution:failed', { reason: callback, error })
  const message = `${callback}() failed for a call, which was counted without its result. The error is the cause of this one.`
  diagnostics.report(
    { code: 'PXU_ERR_ATTRIBUTION_CALLBACK_FAILED', message, cause: error },
    { kind: callback },
  )
}

const message =
  'px-usage failed within a request of the app, which went on as without it. The call is counted as (unmatched) if its route could not be read. The error is the cause of this one; please report it with the versions of the framework and of px-usage.'

/** Reports a failure of an adapter's own code. */
export function reportAdapterFailure(diagnostics: Diagnostics, error: unknown): void {
  diagnostics.publish('attribution:failed', { reason: 'adapter', error })
  diagnostics.report({ code: 'PXU_ERR_ADAPTER_FAILED', message, cause: error })
}
