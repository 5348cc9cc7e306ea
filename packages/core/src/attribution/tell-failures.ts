import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { UsageError } from '../errors.ts'
import type { UnattributedReason } from './identify.ts'

/** An `identify` that is broken fails for every call: more often than this nobody wants to read it. */
const tellEveryMs = 60_000

type Failure = Exclude<UnattributedReason, 'anonymous'>

/** Tells `onError` why calls are counted for nobody: at the first one, then at most once a minute for each reason. */
export function createFailureTeller({
  clock,
  diagnostics,
}: {
  clock: Clock
  diagnostics: Diagnostics
}): (reason: Failure, times: number, error: unknown) => void {
  const reasons = new Map<Failure, { toldAtMs: number; untold: number; error: unknown }>()
  return (reason, times, error) => {
    diagnostics.publish('attribution:failed', { reason, times, error })
    const nowMs = clock.elapsed()
    const last = reasons.get(reason) ?? { toldAtMs: Number.NEGATIVE_INFINITY, untold: 0, error }
    reasons.set(reason, last)
    last.untold += times
    // A failure that is remembered has no error any more: the last one that had is its cause.
    last.error = error ?? last.error
    if (nowMs - last.toldAtMs < tellEveryMs) return
    const others = last.untold === 1 ? '' : ` So were ${last.untold - 1} others since it was last told.`
    const cause = last.error === undefined ? {} : { cause: last.error }
    last.toldAtMs = nowMs
    last.untold = 0
    diagnostics.error(new UsageError('PXU_ERR_ATTRIBUTION_FAILED', explanations[reason] + others, cause))
  }
}

const explanations: Record<Failure, string> = {
  invalid:
    'identify() answered something that is no identity, so the call was counted for nobody. Expected { userId, accountId? } with non-empty strings or finite numbers, or nothing for an anonymous call.',
  threw: 'identify() threw, so the call was counted for nobody. The error is the cause of this one.',
  rejected:
    'The promise of identify() was rejected, so the call was counted for nobody. The reason is the cause of this error.',
  timedOut:
    'identify() did not answer in time, so the call was counted for nobody. Answer faster, or raise `identifyTimeoutMs` (with identifyBy: `timeoutMs`).',
  overloaded:
    'Too many calls wait for identify(), so this one was counted for nobody. Cache the lookup with identifyBy(), or answer synchronously.',
}
