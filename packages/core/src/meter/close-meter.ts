import type { Attribution } from '../attribution/attribute-call.ts'
import { type Clock, eventLoopTurn, settlesWithin } from '../clock.ts'
import type { DayTables } from '../counting/day-tables.ts'
import type { DayCycle } from '../day/day-cycle.ts'
import type { PxDelivery } from '../delivery/create-px-delivery.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { MeterInstruments } from '../instruments/meter-instruments.ts'
import type { Store } from '../model/store.ts'
import type { LeftoverMeters } from './leftover-meters.ts'
import { type Loss, lossText, waitingInStore } from './loss-text.ts'
import type { CloseReport } from './meter.ts'
import type { StoreOpening } from './open-store.ts'
import type { ProcessNote } from './process-note.ts'

/** The parts of a meter that `close()` stops. */
export interface Closing {
  clock: Clock
  store: Store
  diagnostics: Diagnostics
  /** Whether nothing was to be sent. Then the contents of a store that is not durable are discarded, not lost. */
  dryRun: boolean
  opening: StoreOpening
  dayCycle: DayCycle
  tables: DayTables
  attribution: Attribution
  instruments: MeterInstruments
  delivery: PxDelivery
  leftovers: LeftoverMeters
  processNote: ProcessNote
  /** Called when the meter stops counting. */
  onClosed(): void
}

/** How long open requests are awaited if the store is durable: 150 ms. Aborted ones are looked up after the next start. */
const lastResponsesMs = 150
/** How long storing the results of aborted requests may take. */
const lastSettlingMs = 100

/**
 * Stores what was counted, sends what a store that is not durable cannot keep, and releases all resources. It takes about
 * `timeoutMs` at most, and never rejects. Losses are reported, on stderr or to `onError`, before it resolves.
 */
export async function closeMeter(parts: Closing, timeoutMs: number): Promise<CloseReport> {
  const { clock, store, diagnostics, dryRun, dayCycle, tables, attribution, instruments, delivery } = parts
  const { opened, stop: stopOpening } = parts.opening
  const deadline = clock.elapsed() + timeoutMs
  const left = () => Math.max(deadline - clock.elapsed(), 0)
  let isOutOfTime = false
  const within = (task: Promise<unknown>, timeoutMs: number) =>
    settlesWithin(clock, task, { timeoutMs, keepAlive: true })
  const inTime = async (task: Promise<unknown>) => {
    if (!(await within(task, left()))) isOutOfTime = true
  }
  let storeError: unknown
  const noteError = (error: unknown) => {
    storeError = error
  }

  const leftoversClosed = parts.leftovers.close(timeoutMs)
  dayCycle.stop()
  stopOpening()
  await inTime(opened())
  const deliveredBefore = store.outboxCounts().delivered
  await inTime(attribution.settled())
  parts.onClosed()
  dayCycle.cancelStoring()
  await inTime(dayCycle.idle())
  await inTime(
    opened()
      .then(dayCycle.persist)
      .then(() => (store.durable ? undefined : dayCycle.closeAll()))
      .catch(noteError),
  )
  await inTime(instruments.stop().catch(noteError))
  dayCycle.cancelStoring()
  if (!store.durable) await inTime(delivery.run())
  // Read now: after the abort below, the last error would be the abort itself.
  const { stopped, lastError } = delivery.state()
  await within(delivery.stop(), store.durable ? Math.min(left(), lastResponsesMs) : left())
  // Aborts the requests that are still open. Their lines become unconfirmed.
  await within(delivery.abort(), lastSettlingMs)
  await within(delivery.stop(), lastSettlingMs)
  await within(parts.processNote.end(), lastSettlingMs)

  const { delivered, pending, unconfirmed } = store.outboxCounts()
  const sent = { lines: delivered - deliveredBefore }
  const none = { calls: 0, lines: 0 }
  const stored = { calls: tables.storedOpen(), lines: pending + unconfirmed }
  const unidentified = attribution.stats().pending
  const unstored = { calls: tables.unstored() + unidentified, lines: instruments.unstoredLines() }
  const gone = store.durable
    ? unstored
    : { calls: stored.calls + unstored.calls, lines: stored.lines + unstored.lines }
  let kept = store.durable ? stored : none
  const isDiscarded = dryRun && !store.durable
  if (!isDiscarded && gone.calls + gone.lines > 0) {
    const loss: Loss = {
      ...gone,
      unidentified,
      store,
      storeError,
      pxReason: stored.lines > 0 ? (stopped ?? lastError?.reason) : undefined,
      timeoutMs: isOutOfTime ? timeoutMs : undefined,
      waiting: await waitingInStore(store),
      openDays: tables.days(),
    }
    diagnostics.report({ code: 'PXU_ERR_METER_LOST', message: lossText(loss) })
  }

  const closed = store.close().catch((cause: unknown) => {
    // The folder may have been removed after it took the counts. If they cannot be written again, they are not kept.
    if (store.durable) {
      gone.calls += kept.calls
      kept = { ...kept, calls: 0 }
    }
    const lost = store.durable
      ? ` The ${stored.calls} calls of open days in it may be lost. Check that its folder exists and can be written.`
      : ''
    diagnostics.report({
      code: 'PXU_ERR_STORE_UNAVAILABLE',
      message: `The store could not be closed.${lost}`,
      cause,
    })
  })
  await within(Promise.all([closed, leftoversClosed]), Math.max(left(), lastSettlingMs))
  // Node prints warnings after this turn. Without it, an app that exits as soon as it has the report would print none.
  await eventLoopTurn()
  return isDiscarded ? { sent, kept, lost: none, discarded: gone } : { sent, kept, lost: gone }
}
