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
