import type { Diagnostics } from '../diagnostics.ts'

/** The callbacks of the app that run for a call, except `identify`. */
export type CallCallback = 'endpoint' | 'ignore' | 'properties' | 'measures'

/** Reports that a callback failed for a call. */
export function reportCallbackFailure(
  diagnostics: Diagnostics,
  callback: CallCallback,
  error: unknown,
): void {
  diagnostics.publish('attribution:failed', { reason: callback, error })
  const message = `${callback}() failed for a call, which was counted without its result. The cause of this error is the original error.`
  diagnostics.report(
    { code: 'PXU_ERR_ATTRIBUTION_CALLBACK_FAILED', message, cause: error },
    { kind: callback },
  )
}

const message =
  'px-usage failed within a request of the app, which was not affected. The call is counted, as (unmatched) if its route could not be read. The cause of this error is the original error; please report it with the versions of the framework and of px-usage.'

/** Reports a failure in the code of an adapter. */
export function reportAdapterFailure(diagnostics: Diagnostics, error: unknown): void {
  diagnostics.publish('attribution:failed', { reason: 'adapter', error })
  diagnostics.report({ code: 'PXU_ERR_ADAPTER_FAILED', message, cause: error })
}
