import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { asSentence } from '../errors.ts'
import type { ClaimedLine } from '../model/outbox-line.ts'
import type { Store } from '../model/store.ts'
import type { DeliveryResult } from '../px/delivery-result.ts'
import type { LookUpFailure } from '../px/look-up-events.ts'
import type { Refusals } from './refusals.ts'
import { rateLimitDelayMs, retryDelayMs } from './retry-schedule.ts'
import { durationText, minuteText, shortened, waitingText } from './waiting-text.ts'

/** What the sender knows about PX, and how it adapts: the size of the next batch, and the time to wait before it. */
export interface SenderHealth {
  /** Learns from the result of one line. @returns whether to send no more lines of this batch */
  learn(line: ClaimedLine, result: DeliveryResult): boolean
  /** Learns from the results of a whole batch. */
  batchEnded(results: readonly DeliveryResult[], tookMs: number): void
  /** Learns from a look-up; `failure` is set if it could not be completed. */
  lookedUp(failure: LookUpFailure | undefined, untilNextBudgetMs: () => number): void
  /** Backs off, because PX cannot be reached or does not respond. */
  backOff(reason: string): void
  /** Sends nothing until the daily budget renews. */
  restUntilNextBudget(delayMs: number): void
  /** Returns how long to send nothing, in milliseconds. */
  pauseMs(): number
  /** Skips our own back-off. It still honours `Retry-After` and the daily budget. */
  skipBackoff(): void
  /** Returns how many lines the next batch may have. */
  batchSize(): number
  /** Returns whether this process cannot send at present. Another process may be able to. */
  isFailing(): boolean
  /** Returns why nothing at all can be sent until the operator changes something; `undefined` if lines can be sent. */
  stopped(): string | undefined
  lastError(): LastError | undefined
  lastReply(): LastReply | undefined
}

/** What became of the request whose outcome was known last. */
export interface LastReply {
  atMs: number
  outcome: DeliveryResult['outcome']
  /** What PX returned, or why there was no reply; `undefined` for a line that PX took. */
  reason: string | undefined
}

/** The last failed delivery. */
export interface LastError {
  atMs: number
  reason: string
}

/** The state of the sender, as `stats()` returns it. */
export interface SenderState {
  /**
   * `waiting`: until `nextAttemptAtMs`. `stopped`: until the operator fixes the cause in `stopped`; meanwhile one line is tried every
   * 5 minutes.
   */
  state: 'idle' | 'sending' | 'waiting' | 'stopped'
  /** Why nothing can be sent at all; `undefined` if lines can be sent. */
  stopped: string | undefined
  /** Lines that were resent although PX may have them, over restarts. It is an upper bound of the duplicates in PX. */
  possibleDuplicates: number
  /** When the sender reads the outbox again, epoch ms. */
  nextAttemptAtMs: number | undefined
  /** Whether this process sends the lines of the store; `false` until it first tried. */
  isSender: boolean
  /** Lines that this process settled as delivered since it started. */
  accepted: number
  /** The oldest day of the lines that this process tried to send and that still wait. */
  oldestWaitingDay: string | undefined
  /** The longest time since this process first tried one of these lines, in milliseconds; 0 without such a line. */
  longestWaitMs: number
  lastError: LastError | undefined
  /** The outcome of the last request of this process, `undefined` before the first one. */
  lastReply: LastReply | undefined
}

/** The most open requests at a time. It is low because PX limits the rate of requests. */
export const lanes = 8
/** The most lines of a batch, between two writes to the store. After a crash all lines of a batch are unconfirmed. */
export const defaultLargestBatch = 256
/** The batch size is adjusted to keep the time of a batch between these limits. A longer batch leaves more unconfirmed lines. */
const quickMs = 100
const slowMs = 500
/** The delay before a stopped sender tries one line again, to find out whether the key or the address works: 300000 ms (5 minutes). */
const probeAfterMs = 300_000
/** The failures in a row after which px-usage reports that PX cannot be reached. */
const reportedAfterFailures = 3
/** The interval at which a lasting failure is reported again, because the log with the first report may be gone: 1 day. */
const reportEveryMs = 24 * 3_600_000

/** Creates the health of one sender. */
export function createSenderHealth({
  clock,
  diagnostics,
  refusals,
  store,
  largestBatch = defaultLargestBatch,
  receiver = 'PX',
}: {
  clock: Clock
  diagnostics: Diagnostics
  refusals: Refusals
  store: Pick<Store, 'durable' | 'place' | 'outboxCounts'>
  largestBatch?: number
  /** The receiver in messages, at the beginning of a sentence. */
  receiver?: string
}): SenderHealth {
  let stopped: string | undefined
  let lastError: LastError | undefined
  let lastReply: LastReply | undefined
  /** The size of the next batch: 1 while PX fails, then growing. */
  let size = lanes
  let failures = 0
  /** When PX began to fail, by the wall clock. */
  let failingSinceMs = 0
  /** When each kind of failure was last reported, by the monotonic clock. */
  let stopReportedAtMs = 0
  let failureReportedAtMs = 0
  let unconfirmedInARow = 0
  let timesRateLimited = 0
  /** When sending may continue, by the monotonic clock. A binding pause cannot be skipped. */
  let pause = { untilMs: 0, isBinding: false }

  function rest(delayMs: number, isBinding: boolean): void {
    const untilMs = clock.elapsed() + delayMs
    if (untilMs > pause.untilMs) pause = { untilMs, isBinding }
  }

  function fail(reason: string): void {
    lastError = { atMs: clock.now(), reason }
  }

  function stop(reason: string, advice = ''): void {
    if (stopped === undefined || clock.elapsed() - stopReportedAtMs >= reportEveryMs) {
      stopReportedAtMs = clock.elapsed()
      const message = `${asSentence(reason)} ${waitingText(store)}; next try in ${durationText(probeAfterMs)}. ${advice}`
      diagnostics.report({ code: 'PXU_ERR_DELIVERY_STOPPED', message })
    }
    stopped = reason
  }

  /** Waits as long as PX requires, for all lines. */
  function honourRetryAfter(afterMs: number | undefined): void {
    timesRateLimited += 1
    rest(rateLimitDelayMs(afterMs, timesRateLimited), true)
  }

  /** Notes that PX processed a request, whether or not it took the line. */
  function succeeded(): void {
    failures = 0
    unconfirmedInARow = 0
    timesRateLimited = 0
  }

  const health: SenderHealth = {
    learn(line, result) {
      const reason = 'reason' in result ? result.reason : undefined
      lastReply = { atMs: clock.now(), outcome: result.outcome, reason }
      switch (result.outcome) {
        case 'delivered':
        case 'skipped':
          succeeded()
          refusals.accepted()
          stopped = undefined
          return false
        case 'rejected':
          succeeded()
          fail(result.reason)
          refusals.refused(line, result.reason)
          if (refusals.isEverything()) {
            const advice = receiver === 'PX' ? 'Check productKey (PX_PRODUCT_KEY).' : ''
            stop(`${receiver} refuses every event. ${shortened(result.reason)}`, advice)
            return true
          }
          stopped = undefined
          return false
        case 'stopped':
          fail(result.reason)
          stop(result.reason, result.advice)
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
      const limited = results.find((result) => result.outcome === 'retryable' && 'afterMs' in result)
      if (limited !== undefined) return honourRetryAfter((limited as { afterMs?: number }).afterMs)
      if (stopped !== undefined) return rest(probeAfterMs, false)
      const unreachable = results.find(({ outcome }) => outcome === 'retryable')
      const unconfirmed = results.find(({ outcome }) => outcome === 'unconfirmed')
      const isThrough = results.some(({ outcome }) => /^(delivered|skipped|rejected)$/.test(outcome))
      const bad = unreachable ?? (isThrough && unconfirmedInARow < lanes ? undefined : unconfirmed)
      if (bad !== undefined) return health.backOff((bad as { reason: string }).reason)
      if (results.length === 0) return
      if (tookMs < quickMs) size = Math.min(size * 2, largestBatch)
      else if (tookMs > slowMs) size = Math.max(lanes, Math.floor(size / 2))
    },

    lookedUp(failure, untilNextBudgetMs) {
      if (failure?.kind === 'rateLimited') honourRetryAfter(failure.afterMs)
      if (failure?.kind === 'unreachable') health.backOff(failure.reason)
      if (failure?.kind === 'budgetSpent') health.restUntilNextBudget(untilNextBudgetMs())
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
      const message = `${asSentence(shortened(reason))} ${receiver} has failed since ${since}; ${waitingText(store)}; next try in ${durationText(delayMs)}.`
      diagnostics.report({ code: 'PXU_ERR_DELIVERY_UNREACHABLE', message })
    },

    restUntilNextBudget(delayMs) {
      const text =
        'The daily request budget (maxRequestsPerDay) is spent; the remaining events are sent from midnight UTC on.'
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
    lastReply: () => lastReply,
  }
  return health
}
