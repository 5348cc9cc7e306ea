import { type Clock, maxTimerDelayMs } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { ClaimedLine, Settlement } from '../model/outbox-line.ts'
import type { Store } from '../model/store.ts'
import type { DeliveryResult } from '../px/delivery-result.ts'
import type { LookUp } from '../px/look-up-events.ts'
import type { BatchConnection } from '../webhook/batch-delivery.ts'
import { createDuplicates } from './duplicates.ts'
import type { RateLimit } from './rate-limit.ts'
import { refusalText } from './refusal-text.ts'
import { createRefusals } from './refusals.ts'
import { retryDelayMs } from './retry-schedule.ts'
import { type SendLine, sendBatch, sendTogether } from './send-batch.ts'
import { createSenderHealth, defaultLargestBatch, lanes, type SenderState } from './sender-health.ts'
import { createTriedLines } from './tried-lines.ts'
import { createUnconfirmed } from './unconfirmed.ts'
import { withoutWithdrawn } from './withdrawn.ts'

/** Sends the lines of an outbox. */
export interface Delivery {
  /** Sends the lines that are due, and schedules the next run for the others. A second call joins a run in progress. */
  run(): Promise<void>
  /** Starts a run within `startJitterMs`. The random delay keeps several processes from starting together. */
  wake(): void
  /** Starts a run at once, unless PX has just failed or returned 429. */
  wakeNow(): void
  /** Starts no more requests. Resolves when the open ones have ended and their results are stored. */
  stop(): Promise<void>
  state(): SenderState
}

/** The settings of `createDelivery()`. */
export interface DeliverySettings {
  store: Store
  send: SendLine
  /** Sends many lines in one request, in place of `send`. */
  together?: ({ receiver: string; mostLines: number } & Pick<BatchConnection, 'send'>) | undefined
  /** Without it, unconfirmed lines are resent without a look-up. */
  lookUp?: LookUp | undefined
  acquire: RateLimit['acquire']
  /** Returns the time until the daily budget renews, in milliseconds. */
  untilNextBudgetMs(): number
  clock: Clock
  /** Real time, in which requests take place even if a test or a demo moves `clock`. */
  network: Clock
  diagnostics: Diagnostics
  /** The delay before an unconfirmed line is looked up in PX, in milliseconds. */
  lookUpAfterMs: number
  startJitterMs: number
}

/** The longest time of a batch: 60000 ms (1 minute). Then its unsent lines are released, before another process may claim them. */
const longestBatchMs = 60_000

/** When lines were claimed, by both clocks. */
interface Claimed {
  wallMs: number
  elapsedMs: number
}

/** Creates the sender of an outbox. */
export function createDelivery(settings: DeliverySettings): Delivery {
  const { store, send, together, acquire, clock, network, diagnostics, startJitterMs } = settings
  const receiver = together?.receiver ?? 'PX'
  const refusals = createRefusals()
  // Without look-ups a whole batch counts as possibly duplicated after a crash, so batches are small.
  const largestBatch = together?.mostLines ?? (settings.lookUp === undefined ? lanes : defaultLargestBatch)
  const health = createSenderHealth({ clock, diagnostics, refusals, store, largestBatch, receiver })
  const duplicates = createDuplicates(store)
  const unconfirmed = createUnconfirmed({ ...settings, duplicates })
  const tried = createTriedLines(clock)

  let running: Promise<void> | undefined
  let isStopping = false
  let isSender = false
  /** Whether a call joined the run after the last claim, so that the outbox may have new lines. */
  let mustClaimAgain = false
  let storeFailures = 0
  let wakeAtElapsedMs: number | undefined
  let cancelWake = () => {}

  function released({ id, state }: ClaimedLine): Settlement {
    return { id, state, waitMs: 0 }
  }

  /** Returns the new state of a line, or `undefined` while its refusal is not confirmed and the line stays claimed. */
  function settlementOf(line: ClaimedLine, result: DeliveryResult | undefined): Settlement | undefined {
    if (result === undefined) return released(line)
    const message = { id: line.id, day: line.day, attempt: line.attempts + 1, ...result }
    switch (result.outcome) {
      case 'delivered':
        diagnostics.publish('delivery:delivered', message)
        unconfirmed.delivered(line)
        return { id: line.id, state: 'delivered' }
      case 'skipped':
        diagnostics.publish('delivery:skipped', message)
        unconfirmed.delivered(line)
        return { id: line.id, state: 'delivered' }
      case 'rejected':
        tried.hold(line)
        return undefined
      case 'unconfirmed':
        diagnostics.publish('delivery:unconfirmed', message)
        return unconfirmed.hold(line)
      case 'stopped':
        diagnostics.publish('delivery:stopped', message)
        unconfirmed.keyRefused()
        return released(line)
      case 'retryable':
        diagnostics.publish('delivery:retrying', message)
        return released(line)
    }
  }

  async function settle(settlements: Settlement[], lines: readonly ClaimedLine[]): Promise<void> {
    if (settlements.length === 0) return
    await store.settle(settlements)
    tried.settled(settlements, lines)
  }

  async function settleRefused(isLast: boolean): Promise<void> {
    const refused = refusals.confirmed(isLast)
    const settlements = refused.map(({ line: { id }, reason }) => ({
      id,
      state: 'rejected' as const,
      reason,
    }))
    const lines = refused.map(({ line }) => line)
    await settle(settlements, lines)
    for (const { line, reason } of refused) {
      diagnostics.publish('delivery:rejected', { id: line.id, day: line.day, outcome: 'rejected', reason })
      diagnostics.report({
        code: 'PXU_ERR_DELIVERY_REJECTED',
        message: refusalText(line, reason, { store, receiver }),
      })
    }
  }

  /** Sends one batch of the lines, and releases the others. */
  async function sendOneBatch(lines: readonly ClaimedLine[], claimed: Claimed): Promise<void> {
    const chosen = lines.slice(0, health.batchSize())
    const afterResend = await unconfirmed.beforeResend(chosen)
    await store.markAttempts(
      chosen.map(({ id }) => id),
      clock.now(),
    )
    const startMs = network.elapsed()
    // Compares both clocks, because the monotonic clock may stop while the machine sleeps and the claim expires.
    const isMine = () =>
      Math.max(network.now() - claimed.wallMs, network.elapsed() - claimed.elapsedMs) < longestBatchMs
    const mayContinue = () => !isStopping && isMine()
    const how = { now: clock.now, mayContinue, learn: health.learn }
    const { results, isBudgetSpent, failure } =
      together === undefined
        ? await sendBatch(chosen, { ...how, send, acquire })
        : await sendTogether(chosen, { ...how, send: together.send })
    const tookMs = network.elapsed() - startMs
    const settlements = lines.map((line) => settlementOf(line, results.get(line.id)))
    await settle(
      settlements.filter((settlement) => settlement !== undefined),
      lines,
    )
    await afterResend((id) => /delivered|unconfirmed/.test(results.get(id)?.outcome ?? ''))
    await settleRefused(false)
    if (failure !== undefined) throw failure.cause
    if (isBudgetSpent) health.restUntilNextBudget(settings.untilNextBudgetMs())
    else health.batchEnded([...results.values()], tookMs)
  }

  /** Looks up the unconfirmed lines that are due. @returns those to resend although PX may have them */
  async function lookUpUnconfirmed(lines: readonly ClaimedLine[]): Promise<ClaimedLine[]> {
    const { settlements, sendAnyway, failure } = await unconfirmed.lookUp(
      lines,
      health.stopped() !== undefined,
    )
    await settle(settlements, lines)
    health.lookedUp(failure, settings.untilNextBudgetMs)
    return sendAnyway
  }

  async function sendWhatIsDue(): Promise<void> {
    await duplicates.recall()
    let limit = health.batchSize()
    while (!isStopping) {
      if (health.pauseMs() > 0) return wakeAfter(health.pauseMs())
      mustClaimAgain = false
      const claimed: Claimed = { wallMs: network.now(), elapsedMs: network.elapsed() }
      const { lines, nextDueInMs, notLeader } = await store.claim(limit)
      isSender = notLeader !== true
      if (lines.length === 0) {
        await settleRefused(true)
        if (mustClaimAgain) continue
        if (nextDueInMs === undefined || !isSender) tried.clear()
        else wakeAfter(Math.max(nextDueInMs, health.pauseMs()))
        return
      }
      const wanted = await withoutWithdrawn(store, lines, tried.forget)
      const toLookUp = wanted.filter(({ state }) => state === 'unconfirmed')
      const sendAnyway = toLookUp.length === 0 ? [] : await lookUpUnconfirmed(toLookUp)
      const ready = [...sendAnyway, ...wanted.filter(({ state }) => state === 'pending')]
      if (health.pauseMs() > 0) await settle(ready.map(released), ready)
      else if (ready.length > 0) await sendOneBatch(ready, claimed)
      // Look-ups of many lines take few requests, so their batch does not depend on how many lines PX lets us send.
      limit = toLookUp.length === wanted.length ? largestBatch : health.batchSize()
      storeFailures = 0
    }
  }

  function wakeAfter(waitMs: number): void {
    if (isStopping) return
    cancelWake()
    const delayMs = Math.max(Math.ceil(waitMs), 1)
    wakeAtElapsedMs = clock.elapsed() + delayMs
    cancelWake = clock.setTimer(() => void start(), delayMs)
  }

  function start(): Promise<void> {
    if (isStopping) return Promise.resolve()
    cancelWake()
    wakeAtElapsedMs = undefined
    mustClaimAgain = true
    running ??= sendWhatIsDue()
      .catch((cause: unknown) => {
        const message = 'The outbox could not be read or written; will retry. Check the store.'
        diagnostics.report({ code: 'PXU_ERR_STORE_UNAVAILABLE', message, cause })
        storeFailures += 1
        wakeAfter(retryDelayMs(storeFailures))
        mustClaimAgain = false
      })
      .then(async () => {
        const withheld = refusals.released()
        if (withheld.length > 0) await store.settle(withheld).catch(() => {})
        if (health.isFailing()) await store.cannotSend?.().catch(() => {})
        running = undefined
        if (mustClaimAgain && health.pauseMs() === 0) await start()
      })
    return running
  }

  function nameOfState(): SenderState['state'] {
    if (running !== undefined) return 'sending'
    if (health.stopped() !== undefined) return 'stopped'
    return wakeAtElapsedMs === undefined ? 'idle' : 'waiting'
  }

  return {
    run() {
      health.skipBackoff()
      // The caller awaits this run. Without a timer that keeps the process alive, it could exit before the run has ended.
      const releaseProcess = network.setTimer(() => {}, maxTimerDelayMs, true)
      return start().finally(releaseProcess)
    },

    wake() {
      if (isStopping || running !== undefined) return
      const latestMs = clock.elapsed() + Math.max(startJitterMs, health.pauseMs())
      if (wakeAtElapsedMs !== undefined && wakeAtElapsedMs <= latestMs) return
      wakeAfter(Math.max(Math.random() * startJitterMs, health.pauseMs()))
    },

    wakeNow: () => void start(),
    async stop() {
      isStopping = true
      cancelWake()
      await running
    },

    state: () => ({
      state: nameOfState(),
      stopped: health.stopped(),
      possibleDuplicates: duplicates.possible(),
      nextAttemptAtMs: wakeAtElapsedMs && clock.now() + wakeAtElapsedMs - clock.elapsed(),
      isSender,
      accepted: tried.delivered(),
      oldestWaitingDay: tried.oldestDay(),
      longestWaitMs: tried.longestWaitMs(),
      lastError: health.lastError(),
      lastReply: health.lastReply(),
    }),
  }
}
