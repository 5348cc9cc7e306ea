import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { ClaimedLine, Settlement } from '../model/outbox-line.ts'
import type { Store } from '../model/store.ts'
import type { DeliveryResult } from '../px/delivery-result.ts'
import type { LookUp } from '../px/look-up-events.ts'
import { createDuplicates } from './duplicates.ts'
import type { RateLimit } from './rate-limit.ts'
import { refusalText } from './refusal-text.ts'
import { createRefusals } from './refusals.ts'
import { retryDelayMs } from './retry-schedule.ts'
import { type SendLine, sendBatch } from './send-batch.ts'
import { createSenderHealth, defaultLargestBatch, type LastError, lanes } from './sender-health.ts'
import { createUnconfirmed } from './unconfirmed.ts'

/** How the sender stands. */
export interface SenderState {
  /** `waiting`: until `nextAttemptAtMs`. `stopped`: until somebody changes something, see `stopped`; a line is tried now and then. */
  state: 'idle' | 'sending' | 'waiting' | 'stopped'
  /** Why nothing is being sent at all, if so. */
  stopped: string | undefined
  /** Lines sent again although PX may have had them, over restarts: an upper bound for duplicates in PX. */
  possibleDuplicates: number
  /** When the sender looks into the outbox again by itself, epoch ms. */
  nextAttemptAtMs: number | undefined
  /** The oldest day of the lines that this process tried to send and that still wait. */
  oldestWaitingDay: string | undefined
  lastError: LastError | undefined
}

export interface Delivery {
  /** Sends what can be sent now and comes back later for the rest. One run at a time; a second call joins the first. */
  run(): Promise<void>
  /** There may be something to send: runs within `startJitterMs`, so that a fleet does not start together. */
  wake(): void
  /** The same at once, unless PX has just failed or asks for patience. */
  wakeNow(): void
  /** No request starts any more; resolves when those on their way have ended and are noted. */
  stop(): Promise<void>
  state(): SenderState
}

export interface DeliverySettings {
  store: Store
  send: SendLine
  /** Not given: what may have reached PX is sent again without a look. */
  lookUp?: LookUp | undefined
  acquire: RateLimit['acquire']
  /** How long until there is a daily budget again, in ms. */
  untilNextBudgetMs(): number
  clock: Clock
  /** Real time, in which requests take place, even if a test or a demo moves `clock`. */
  network: Clock
  diagnostics: Diagnostics
  /** How long PX may need to show an event that it took, in ms. */
  lookUpAfterMs: number
  startJitterMs: number
}

/** A batch is ended when it takes longer, and what was not sent is given back: other processes may claim it soon. */
const batchEndsAfterMs = 60_000

interface Claimed {
  wallMs: number
  elapsedMs: number
}

export function createDelivery(settings: DeliverySettings): Delivery {
  const { store, send, acquire, clock, network, diagnostics, startJitterMs } = settings
  const refusals = createRefusals()
  // Nobody looks up which lines of a batch really left before a crash: the fewer, the truer is the number of possible duplicates.
  const largestBatch = settings.lookUp === undefined ? lanes : defaultLargestBatch
  const health = createSenderHealth({ clock, diagnostics, refusals, store, largestBatch })
  const duplicates = createDuplicates(store)
  const unconfirmed = createUnconfirmed({ ...settings, duplicates })
  /** Days of lines that this process settled as pending or unconfirmed, by id. */
  const waiting = new Map<string, string>()

  let running: Promise<void> | undefined
  let over = false
  /** Somebody joined the run after it looked into the outbox last: there may be more now. */
  let askedAgain = false
  let storeFailures = 0
  let wakeAtElapsedMs: number | undefined
  let cancelWake = () => {}

  function given({ id, state }: ClaimedLine): Settlement {
    return { id, state, waitMs: 0 }
  }

  /** Where a line goes. `undefined`: it stays claimed until its refusal can be judged. */
  function settlementOf(line: ClaimedLine, result: DeliveryResult | undefined): Settlement | undefined {
    if (result === undefined) return given(line)
    const message = { id: line.id, day: line.day, attempt: line.attempts + 1, ...result }
    switch (result.outcome) {
      case 'delivered':
        diagnostics.publish('delivery:delivered', message)
        unconfirmed.arrived(line)
        return { id: line.id, state: 'delivered' }
      case 'rejected':
        return undefined
      case 'unconfirmed':
        diagnostics.publish('delivery:unconfirmed', message)
        return unconfirmed.park(line)
      case 'stopped':
        diagnostics.publish('delivery:stopped', message)
        unconfirmed.keyRefused()
        return given(line)
      case 'retryable':
        diagnostics.publish('delivery:retrying', message)
        return given(line)
    }
  }

  async function settle(settlements: Settlement[], lines: readonly ClaimedLine[]): Promise<void> {
    if (settlements.length === 0) return
    await store.settle(settlements)
    const days = new Map(lines.map(({ id, day }) => [id, day]))
    for (const { id, state } of settlements) {
      if (state === 'delivered' || state === 'rejected') waiting.delete(id)
      else waiting.set(id, days.get(id) as string)
    }
  }

  async function settleRefused(isLast: boolean): Promise<void> {
    const refused = refusals.judged(isLast)
    const lines = refused.map(({ line }) => line)
    await settle(
      refused.map(({ line: { id }, reason }) => ({ id, state: 'rejected', reason })),
      lines,
    )
    for (const { line, reason } of refused) {
      diagnostics.publish('delivery:rejected', { id: line.id, day: line.day, outcome: 'rejected', reason })
      diagnostics.report({ code: 'PXU_ERR_DELIVERY_REJECTED', message: refusalText(line, reason, store) })
    }
  }

  /** Attempts as many of the lines as are wise together, and gives the others back. */
  async function sendTogether(lines: readonly ClaimedLine[], claimed: Claimed): Promise<void> {
    const chosen = lines.slice(0, health.batchSize())
    const tookBack = await unconfirmed.beforeResend(chosen)
    await store.markAttempts(
      chosen.map(({ id }) => id),
      clock.now(),
    )
    const startMs = network.elapsed()
    // By both clocks: one of them stands still while a machine sleeps.
    const isMine = () =>
      Math.max(network.now() - claimed.wallMs, network.elapsed() - claimed.elapsedMs) < batchEndsAfterMs
    const { results, isSpent, failure } = await sendBatch(chosen, {
      send,
      acquire,
      now: clock.now,
      goesOn: () => !over && isMine(),
      learn: health.learn,
    })
    const tookMs = network.elapsed() - startMs
    const settlements = lines.map((line) => settlementOf(line, results.get(line.id)))
    await settle(
      settlements.filter((settlement) => settlement !== undefined),
      lines,
    )
    await tookBack((id) => /delivered|unconfirmed/.test(results.get(id)?.outcome ?? ''))
    await settleRefused(false)
    if (failure !== undefined) throw failure.cause
    if (isSpent) health.restUntilNextBudget(settings.untilNextBudgetMs())
    else health.batchEnded([...results.values()], tookMs)
  }

  /** Looks up the unconfirmed lines that are due. @returns those to send again without knowing */
  async function lookUpUnconfirmed(lines: readonly ClaimedLine[]): Promise<ClaimedLine[]> {
    const { settlements, sendAnyway, failure } = await unconfirmed.resolve(
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
    while (!over) {
      if (health.pauseMs() > 0) return wakeAfter(health.pauseMs())
      askedAgain = false
      const claimed: Claimed = { wallMs: network.now(), elapsedMs: network.elapsed() }
      const { lines, nextDueInMs } = await store.claim(limit)
      if (lines.length === 0) {
        await settleRefused(true)
        if (askedAgain) continue
        if (nextDueInMs === undefined) waiting.clear()
        else wakeAfter(Math.max(nextDueInMs, health.pauseMs()))
        return
      }
      const toLookUp = lines.filter(({ state }) => state === 'unconfirmed')
      const sendAnyway = toLookUp.length === 0 ? [] : await lookUpUnconfirmed(toLookUp)
      const ready = [...sendAnyway, ...lines.filter(({ state }) => state === 'pending')]
      if (health.pauseMs() > 0) await settle(ready.map(given), ready)
      else if (ready.length > 0) await sendTogether(ready, claimed)
      // Looked up together they cost few requests, whatever PX allows to be sent together.
      limit = toLookUp.length === lines.length ? largestBatch : health.batchSize()
      storeFailures = 0
    }
  }

  function wakeAfter(waitMs: number): void {
    if (over) return
    cancelWake()
    const delayMs = Math.max(Math.ceil(waitMs), 1)
    wakeAtElapsedMs = clock.elapsed() + delayMs
    cancelWake = clock.setTimer(() => void start(), delayMs)
  }

  function start(): Promise<void> {
    if (over) return Promise.resolve()
    cancelWake()
    wakeAtElapsedMs = undefined
    askedAgain = true
    running ??= sendWhatIsDue()
      .catch((cause: unknown) => {
        const message = 'The outbox could not be read or written; sending goes on later.'
        diagnostics.report({ code: 'PXU_ERR_STORE_UNAVAILABLE', message, cause })
        storeFailures += 1
        wakeAfter(retryDelayMs(storeFailures))
        askedAgain = false
      })
      .then(async () => {
        const released = refusals.released()
        if (released.length > 0) await store.settle(released).catch(() => {})
        if (health.isFailing()) await store.cannotSend?.().catch(() => {})
        running = undefined
        if (askedAgain && health.pauseMs() === 0) await start()
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
      // Somebody waits for it, so the process does not end meanwhile.
      const letGo = network.setTimer(() => {}, 2 ** 31 - 1, true)
      return start().finally(letGo)
    },

    wake() {
      if (over || running !== undefined) return
      const latestMs = clock.elapsed() + Math.max(startJitterMs, health.pauseMs())
      if (wakeAtElapsedMs !== undefined && wakeAtElapsedMs <= latestMs) return
      wakeAfter(Math.max(Math.random() * startJitterMs, health.pauseMs()))
    },

    wakeNow: () => void start(),
    async stop() {
      over = true
      cancelWake()
      await running
    },

    state: () => ({
      state: nameOfState(),
      stopped: health.stopped(),
      possibleDuplicates: duplicates.possible(),
      nextAttemptAtMs: wakeAtElapsedMs && clock.now() + wakeAtElapsedMs - clock.elapsed(),
      oldestWaitingDay: [...waiting.values()].sort()[0],
      lastError: health.lastError(),
    }),
  }
}
