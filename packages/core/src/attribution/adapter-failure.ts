import type { Diagnostics } from '../diagnostics.ts'
import { UsageError } from '../errors.ts'

/** Reports the first failure of an adapter's own code: each further request may fail in the same way. */
export function createAdapterFailure(diagnostics: Diagnostics): (error: unknown) => void {
  let isReported = false
  return (cause) => {
    if (isReported) return
    isReported = true
    const message =
      'px-usage failed within a request of the app, which went on as without it. The call is counted as (unmatched) if its route could not be read. The error is the cause of this one; please report it with the versions of the framework and of px-usage.'
    const error = new UsageError('PXU_ERR_ADAPTER_FAILED', message, { cause })
    diagnostics.error(error)
    diagnostics.publish('attribution:failed', { reason: 'adapter', error })
  }
}
