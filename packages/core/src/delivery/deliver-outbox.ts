import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { UsageError } from '../errors.ts'
import type { ClaimedLine, Settlement, Store } from '../store/store.ts'
import type { DeliveryResult } from './delivery-result.ts'
import { retryDelayMs } from './retry-schedule.ts'

/** Sends one line: PX over the network, or the in-memory delivery of the test kit. */
export type SendLine = (line: ClaimedLine) => Promise<DeliveryResult>

export interface DeliveryState {
  /** Why nothing is being sent at all, if so. */
  stopped: string | undefined
  /** Lines sent again although PX may have had them: an upper bound for duplicates in PX. */
  possibleDuplicates: number
}

export interface Delivery {
  /** Sends what is due now and comes back later for the rest. One run at a time; a second call joins the first. */
  run(): Promise<void>
  stop(): Promise<void>
  state(): DeliveryState
}

/** Lines claimed and attempted together. Small: each is a request of its own, and PX asks for patience. */
const batchSize = 8
/** How soon a line whose fate is unknown is sent again; PX should have shown or lost the first request by then. */
const unknownAfterMs = 60_000
/** How soon a stopped sender tries a line again, to see whether the key or the address works by now. */
const probeAfterMs = 300_000

export function createDelivery(settings: {
  store: Store
  send: SendLine
  clock: Clock
  diagnostics: Diagnostics
}): Delivery {
  const { store, send, clock, diagnostics } = settings
  let running: Promise<void> | undefined
  let over = false
  /** Somebody joined the run after it looked into the outbox last: there may be more now. */
  let askedAgain = false
  let stopped: string | undefined
  let possibleDuplicates = 0
  /** Batches in a row of which no line came through. */
  let failedBatches = 0
  let cancelWake = () => {}

  function settlementOf(line: ClaimedLine, result: DeliveryResult): Settlement {
    const { id } = line
    const attempt = line.attempts + 1
    const message = { id, day: line.day, attempt, ...result }
    switch (result.outcome) {
      case 'delivered':
        stopped = undefined
        diagnostics.publish('delivery:delivered', message)
        return { id, state: 'delivered' }
      case 'rejected':
        diagnostics.publish('delivery:rejected', message)
        diagnostics.error(
          new UsageError('PXU_ERR_DELIVERY_REJECTED', `PX refused an event of ${line.day}: ${result.reason}`),
        )
        return { id, state: 'rejected', reason: result.reason }
      case 'unknown':
        diagnostics.publish('delivery:unknown', message)
        return { id, state: 'unknown', dueAtMs: clock.now() + unknownAfterMs + retryDelayMs(attempt) }
      case 'stopped':
        diagnostics.publish('delivery:stopped', message)
        if (stopped === undefined) {
          diagnostics.error(
            new UsageError(
              'PXU_ERR_DELIVERY_STOPPED',
              `Nothing can be sent to PX; everything is kept and tried again every five minutes. ${result.reason} Check apiKey, its Write permission, and region or baseUrl.`,
            ),
          )
        }
        stopped = result.reason
        return { id, state: 'pending', dueAtMs: clock.now() + probeAfterMs }
      case 'retryable':
        diagnostics.publish('delivery:retrying', message)
        return { id, state: 'pending', dueAtMs: clock.now() + (result.afterMs ?? retryDelayMs(attempt)) }
    }
  }

  /** @returns how long to send nothing at all: PX is down or asks for patience when none of the lines came through */
  async function attempt(lines: ClaimedLine[]): Promise<number> {
    possibleDuplicates += lines.filter((line) => line.state === 'unknown').length
    await store.markAttempts(
      lines.map((line) => line.id),
      clock.now(),
    )
    const results = await Promise.all(lines.map(send))
    await store.settle(lines.map((line, index) => settlementOf(line, results[index] as DeliveryResult)))
    if (!results.every(({ outcome }) => outcome === 'retryable' || outcome === 'unknown')) {
      failedBatches = 0
      return 0
    }
    failedBatches += 1
    const askedForMs = results.map((result) => (result.outcome === 'retryable' ? (result.afterMs ?? 0) : 0))
    return Math.max(retryDelayMs(failedBatches), ...askedForMs)
  }

  async function sendWhatIsDue(): Promise<void> {
    while (!over) {
      askedAgain = false
      const { lines, nextDueAtMs } = await store.claim(stopped === undefined ? batchSize : 1)
      const pauseMs = lines.length > 0 ? await attempt(lines) : 0
      if (pauseMs > 0) return wakeAfter(pauseMs)
      if (askedAgain && stopped === undefined) continue
      if (lines.length === 0 || stopped !== undefined) {
        const waitMs =
          stopped !== undefined ? probeAfterMs : (nextDueAtMs ?? Number.POSITIVE_INFINITY) - clock.now()
        return wakeAfter(waitMs)
      }
    }
  }

  function wakeAfter(waitMs: number): void {
    if (over || waitMs === Number.POSITIVE_INFINITY) return
    cancelWake = clock.setTimer(() => void delivery.run(), Math.max(waitMs, 1))
  }

  const delivery: Delivery = {
    run() {
      if (over) return Promise.resolve()
      cancelWake()
      askedAgain = true
      running ??= sendWhatIsDue()
        .catch((cause: unknown) => {
          diagnostics.error(
            new UsageError(
              'PXU_ERR_STORE_UNAVAILABLE',
              'The outbox could not be read or written; sending goes on later.',
              {
                cause,
              },
            ),
          )
          wakeAfter(retryDelayMs(1))
        })
        .then(() => {
          running = undefined
          return askedAgain && stopped === undefined ? delivery.run() : undefined
        })
      return running
    },

    async stop() {
      over = true
      cancelWake()
      await running
    },

    state: () => ({ stopped, possibleDuplicates }),
  }
  return delivery
}
