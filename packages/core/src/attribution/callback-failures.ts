import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { UsageError } from '../errors.ts'

/** The app's callbacks about a call, beside `identify`. */
export type CallCallback = 'endpoint' | 'ignore' | 'properties'

const silenceMs = 60_000

/** Tells the app of its failing callbacks: each at once, and then at most once a minute with the number of failures between. */
export function createCallbackFailures({ clock, diagnostics }: { clock: Clock; diagnostics: Diagnostics }) {
  const told = new Map<CallCallback, { atMs: number; silent: number }>()
  return (callback: CallCallback, error: unknown): void => {
    diagnostics.publish('attribution:failed', { reason: callback, error })
    const last = told.get(callback)
    const nowMs = clock.elapsed()
    if (last !== undefined && nowMs - last.atMs < silenceMs) {
      last.silent += 1
      return
    }
    told.set(callback, { atMs: nowMs, silent: 0 })
    const more = last === undefined || last.silent === 0 ? '' : ` So it did ${last.silent} times before.`
    const message = `${callback}() failed for a call, which was counted without its answer. The error is the cause of this one.${more}`
    diagnostics.error(new UsageError('PXU_ERR_ATTRIBUTION_CALLBACK_FAILED', message, { cause: error }))
  }
}
