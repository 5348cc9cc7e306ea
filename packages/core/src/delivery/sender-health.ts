import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { asSentence } from '../errors.ts'
import type { ClaimedLine } from '../model/outbox-line.ts'
import type { Store } from '../model/store.ts'
import type { DeliveryResult } from '../px/delivery-result.ts'
import type { LookUpFailure } from '../px/look-up-events.ts'
import type { Refusals } from './refusals.ts'
import { patienceAfterMs, retryDelayMs } from './retry-schedule.ts'
import { durationText, minuteText, shortened, waitingText } from './waiting-text.ts'

/** What is known of PX as a whole, and how the sender adapts: how many lines at once, and how long to send nothing. */
export interface SenderHealth {
  /** @returns whether to send no more of this batch */
  learn(line: ClaimedLine, result: DeliveryResult): boolean
  /** What a batch says as a whole. */
  batchEnded(results: readonly DeliveryResult[], tookMs: number): void
  /** What a look-up that could not be made tells of PX. */
  lookedUp(failure: LookUpFailure | undefined, untilNextBudgetMs: () => number): void
  /** PX does not answer or cannot be reached. */
  backOff(reason: string): void
  /** The daily budget is spent. */
  restUntilNextBudget(delayMs: number): void
  /** How long to send nothing. */
  pauseMs(): number
  /** Somebody asks to send now: only PX's own wish and a spent budget are still respected. */
  skipBackoff(): void
  /** How many lines may be attempted together. */
  batchSize(): number
  /** Whether nothing can be sent from here, as far as is known: another process may be able to. */
  isFailing(): boolean
  /** Why nothing at all can be sent, until somebody changes something. */
  stopped(): string | undefined
  lastError(): LastError | undefined
}

export interface LastError {
  atMs: number
  reason: string
}

/** Requests on their way at once. Few: PX asks for patience. */
export const lanes = 8
/** The most lines attempted between two writes to the store: a crash leaves as many to be looked up. */
export const defaultLargestBatch = 256
/** A batch should take about as long: the lines of one are all in doubt after a crash. */
const quickMs = 100
const slowMs = 500
/** How soon a stopped sender tries a line again, to see whether the key or the address works by now. */
const probeAfterMs = 300_000
/** After so many failures in a row it is reported that PX cannot be reached. */
const reportedAfterFailures = 3
/** What goes on for so long is reported again: the first report may be in a log that is gone. */
const reportEveryMs = 24 * 3_600_000

export function createSenderHealth({
  clock,
  diagnostics,
  refusals,
  store,
  largestBatch = defaultLargestBatch,
}: {
  clock: Clock
  diagnostics: Diagnostics
  refusals: Refusals
  store: Pick<Store, 'durable' | 'place' | 'outboxCounts'>
  largestBatch?: number
}): SenderHealth {
  let stopped: string | undefined
  let lastError: LastError | undefined
  /** One when PX does not work, more and more while it does. */
  let size = lanes
  let failures = 0
  /** By the wall clock: since when PX has failed. */
  let failingSinceMs = 0
  /** By the monotonic clock, when it was last reported that PX stopped taking events, or fails. */
  let stopReportedAtMs = 0
  let failureReportedAtMs = 0
  let unconfirmedInARow = 0
  let timesImpatient = 0
  /** By the monotonic clock. */
  let pause = { untilMs: 0, isBinding: false }

  function rest(delayMs: number, isBinding: boolean): void {
    const untilMs = clock.elapsed() + delayMs
    if (untilMs > pause.untilMs) pause = { untilMs, isBinding }
  }

  function fail(reason: string): void {
    lastError = { atMs: clock.now(), reason }
  }

  function stop(reason: string, cure = ''): void {
    if (stopped === undefined || clock.elapsed() - stopReportedAtMs >= reportEveryMs) {
      stopReportedAtMs = clock.elapsed()
      const message = `${asSentence(reason)} ${waitingText(store)}; next try in ${durationText(probeAfterMs)}. ${cure}`
      diagnostics.report({ code: 'PXU_ERR_DELIVERY_STOPPED', message })
    }
    stopped = reason
  }

  /** PX asks for patience: everybody waits. */
  function honourRetryAfter(afterMs: number | undefined): void {
    timesImpatient += 1
    rest(patienceAfterMs(afterMs, timesImpatient), true)
  }

  /** PX took the request for what it is, and answered. */
  function succeeded(): void {
    failures = 0
    unconfirmedInARow = 0
    timesImpatient = 0
  }

  const health: SenderHealth = {
    learn(line, result) {
      switch (result.outcome) {
        case 'delivered':
          succeeded()
          refusals.accepted()
          stopped = undefined
          return false
        case 'rejected':
          succeeded()
          fail(result.reason)
          refusals.refused(line, result.reason)
          if (refusals.isEverything()) {
            stop(
              `PX refuses one event after the other. ${shortened(result.reason)}`,
              'Check productKey (PX_PRODUCT_KEY).',
            )
            return true
          }
          stopped = undefined
          return false
        case 'stopped':
          fail(result.reason)
          stop(result.reason, result.cure)
          return true
        case 'unconfirmed':
          fail(result.reason)
          unconfirmedInARow += 1
          return unconfirmedInARow >= Math.min(lanes, size)
        case 'retryable':
          fail(result.reason)
          return true
      }
    },

    batchEnded(results, tookMs) {
      const impatient = results.find((result) => result.outcome === 'retryable' && 'afterMs' in result)
      if (impatient !== undefined) return honourRetryAfter((impatient as { afterMs?: number }).afterMs)
      if (stopped !== undefined) return rest(probeAfterMs, false)
      const unreachable = results.find(({ outcome }) => outcome === 'retryable')
      const unanswered = results.find(({ outcome }) => outcome === 'unconfirmed')
      const isThrough = results.some(({ outcome }) => outcome === 'delivered' || outcome === 'rejected')
      const bad = unreachable ?? (isThrough && unconfirmedInARow < lanes ? undefined : unanswered)
      if (bad !== undefined) return health.backOff((bad as { reason: string }).reason)
      if (results.length === 0) return
      if (tookMs < quickMs) size = Math.min(size * 2, largestBatch)
      else if (tookMs > slowMs) size = Math.max(lanes, Math.floor(size / 2))
    },

    lookedUp(failure, untilNextBudgetMs) {
      if (failure?.kind === 'impatient') honourRetryAfter(failure.afterMs)
      if (failure?.kind === 'unreachable') health.backOff(failure.reason)
      if (failure?.kind === 'spent') health.restUntilNextBudget(untilNextBudgetMs())
    },

    backOff(reason) {
      fail(reason)
      failures += 1
      if (failures === 1) failingSinceMs = clock.now()
      size = 1
      const delayMs = retryDelayMs(failures)
      rest(delayMs, false)
      const isOverdue = clock.elapsed() - failureReportedAtMs >= reportEveryMs
      if (failures < reportedAfterFailures || (failures > reportedAfterFailures && !isOverdue)) return
      failureReportedAtMs = clock.elapsed()
      const since = minuteText(failingSinceMs)
      const message = `${asSentence(shortened(reason))} PX has failed since ${since}; ${waitingText(store)}; next try in ${durationText(delayMs)}.`
      diagnostics.report({ code: 'PXU_ERR_DELIVERY_UNREACHABLE', message })
    },

    restUntilNextBudget(delayMs) {
      const text = 'The requests of today (maxRequestsPerDay) are spent; sending goes on tomorrow.'
      diagnostics.warn('PXU_WRN_DELIVERY_BUDGET_SPENT', text)
      rest(delayMs, true)
    },

    pauseMs: () => Math.max(0, pause.untilMs - clock.elapsed()),
    skipBackoff() {
      if (!pause.isBinding) pause = { untilMs: 0, isBinding: false }
    },
    batchSize: () => (stopped === undefined ? size : 1),
    isFailing: () => stopped !== undefined || failures >= reportedAfterFailures,
    stopped: () => stopped,
    lastError: () => lastError,
  }
  return health
}
