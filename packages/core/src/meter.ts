import { createAttribution } from './attribution/attribute-call.ts'
import { type Endpoint, endpointOf } from './attribution/endpoint.ts'
import { usableProperties } from './attribution/properties.ts'
import { createDayTables } from './counting/day-tables.ts'
import { apiCalls } from './counting/instruments.ts'
import { closeDay, previewDay } from './day/close-day.ts'
import { createDayClock } from './day/day-clock.ts'
import { createDelivery, type SendLine } from './delivery/deliver-outbox.ts'
import { createPxClient } from './delivery/px-client.ts'
import { type PxEvent, rollupEvent, rollupLine } from './delivery/px-event.ts'
import { createDiagnostics } from './diagnostics.ts'
import { UsageError } from './errors.ts'
import type { CloseReport, Meter } from './meter-face.ts'
import { type MeterOptions, parseOptions } from './options.ts'
import type { Properties, UsageDay } from './store/store.ts'

interface HeldCall {
  day: UsageDay
  endpoint: Endpoint
  properties: Properties
  gains: readonly number[]
}

const defaultCloseTimeoutMs = 5_000
/** How soon a store that could not take a batch is offered it again. */
const storeRetryMs = 1_000
/** How long a broken-off request may take to be noted in the store. */
const lastSettlingMs = 100

/**
 * The engine: counts finished calls, closes each usage day once, delivers it to PX.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_...` for an option that cannot be used
 */
export function createMeter(options: MeterOptions = {}): Meter {
  const settings = parseOptions(options, process.env)
  const { clock, days, store, rollups, graceMs } = settings
  const { timeZone } = days
  const diagnostics = createDiagnostics(settings.onError)
  const tables = createDayTables(store, settings.limits, diagnostics)
  const client = createPxClient({
    baseUrl: settings.baseUrl,
    apiKey: settings.apiKey,
    dispatcher: settings.dispatcher,
    timeoutMs: settings.requestTimeoutMs,
    now: clock.now,
  })
  const send: SendLine = settings.delivery ?? ((line) => client.postEvent(line.body))
  const delivery = createDelivery({ store, send, clock, diagnostics })
  const eventSettings = { productKey: settings.productKey, timeZone, noon: days.noon }
  const attribution = createAttribution<HeldCall>({
    clock,
    diagnostics,
    timeoutMs: settings.identifyTimeoutMs,
    maxPending: 10_000,
    count(identity, { day, endpoint, properties, gains }) {
      if (isClosed) {
        afterClose += 1
        return
      }
      counted += 1
      tables.of(day).add(apiCalls, identity, properties, endpoint, gains)
      storeSoon()
    },
  })

  let counted = 0
  let ignored = 0
  let afterClose = 0
  let closing: Promise<CloseReport> | undefined
  /** Nothing can be counted any more: what is not in the store by now is told in the report of `close()`. */
  let isClosed = false
  let cancelStoring: (() => void) | undefined

  const opened = store.open({ clock, diagnostics, timeZone }).catch((error: unknown) => {
    const told = tell('The store could not be opened, so nothing survives this process.', error)
    diagnostics.warn(told.code, told.message)
    throw told
  })
  // Those who wait for it see the failure; if nobody does, it has been told above.
  opened.catch(() => {})

  const dayClock = createDayClock(clock, nextDayDueAt, () => work().catch(() => {}))
  dayClock.start()
  void opened.then(deliver).catch(() => {})

  /** Gives an error to the app's `onError`, and back to whoever awaits. */
  function tell(message: string, cause: unknown): UsageError {
    const error =
      cause instanceof UsageError ? cause : new UsageError('PXU_ERR_STORE_UNAVAILABLE', message, { cause })
    diagnostics.error(error)
    return error
  }

  function storeSoon(): void {
    if (cancelStoring !== undefined) return
    if (store.flushAfterMs === 0) {
      const immediate = setImmediate(storeNow)
      cancelStoring = () => clearImmediate(immediate)
    } else {
      cancelStoring = clock.setTimer(storeNow, store.flushAfterMs)
    }
  }

  function storeNow(): void {
    cancelStoring = undefined
    void persist().catch(() => {})
  }

  /** Hands everything counted so far to the store; on failure it stays here and is offered again. */
  async function persist(): Promise<void> {
    try {
      await tables.store()
    } catch (error) {
      cancelStoring ??= clock.setTimer(storeNow, storeRetryMs)
      throw tell('The store failed; it is tried again.', error)
    }
  }

  /** A day is due when it has been over for `graceMs`. */
  function isDue(day: UsageDay): boolean {
    return days.bounds(day).endMs + graceMs <= clock.now()
  }

  function nextDayDueAt(): number {
    return days.bounds(days.of(clock.now() - graceMs)).endMs + graceMs
  }

  async function closeDays(isToClose: (day: UsageDay) => boolean): Promise<void> {
    for (const day of tables.days()) {
      if (!isToClose(day)) continue
      await tables.seal(day)
    }
    for (const day of await store.openDays()) {
      if (!isToClose(day)) continue
      const close = await closeDay(store, day, {
        rollups,
        timeZone,
        toLine: (usage) => rollupLine(usage, eventSettings),
      })
      if (close.outcome === 'closed') diagnostics.publish('day:closed', { day, ...close })
    }
  }

  let working: Promise<void> | undefined
  /** What is due of storing and closing; sending goes on by itself. One at a time. */
  function work(): Promise<void> {
    working ??= opened
      .then(persist)
      .then(() =>
        closeDays(isDue).catch((error: unknown) => {
          throw tell('A day could not be closed; it is tried again.', error)
        }),
      )
      .finally(() => {
        working = undefined
      })
    return working.then(() => {
      void deliver()
    })
  }

  function deliver(): Promise<void> {
    return settings.dryRun ? Promise.resolve() : delivery.run()
  }

  /** As much of `task` as fits in the time; what it does later does no harm. */
  function within(task: Promise<unknown>, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve) => {
      const cancel = clock.setTimer(() => resolve(undefined), timeoutMs, true)
      const finish = () => {
        cancel()
        resolve(undefined)
      }
      task.then(finish, finish)
    })
  }

  async function closeMeter(timeoutMs: number): Promise<CloseReport> {
    const deadline = clock.elapsed() + timeoutMs
    const inTime = (task: Promise<unknown>) => within(task, Math.max(deadline - clock.elapsed(), 0))
    dayClock.stop()
    await inTime(opened)
    const deliveredBefore = store.outboxCounts().delivered
    await inTime(attribution.settled())
    isClosed = true
    cancelStoring?.()
    await inTime(Promise.resolve(working))
    await inTime(opened.then(persist).then(() => (store.durable ? undefined : closeDays(() => true))))
    cancelStoring?.()
    if (!store.durable) await inTime(deliver())
    await inTime(delivery.stop())
    // Whatever is still on its way to PX breaks off here, and is noted as unknown.
    await client.close()
    await within(delivery.stop(), lastSettlingMs)
    const { delivered, pending, unknown } = store.outboxCounts()
    const sent = { lines: delivered - deliveredBefore }
    const unsent = { calls: tables.storedOpen(), lines: pending + unknown }
    const unstored = { calls: tables.unstored() + attribution.stats().pending, lines: 0 }
    await store.close().catch((error: unknown) => tell('The store could not be closed.', error))
    if (store.durable) return { sent, kept: unsent, lost: unstored }
    return {
      sent,
      kept: { calls: 0, lines: 0 },
      lost: { calls: unsent.calls + unstored.calls, lines: unsent.lines },
    }
  }

  /** The dimensions of one call beside those of the meter. They are the app's, and may do anything when they are read. */
  function propertiesOf(given: unknown): Properties {
    if (given === undefined) return settings.properties
    try {
      return usableProperties({ ...settings.properties, ...usableProperties(given) })
    } catch {
      return settings.properties
    }
  }

  const meter: Meter = {
    record(call) {
      if (closing !== undefined) {
        afterClose += 1
        return
      }
      const { statusCode } = call
      attribution.attribute(call.identity, {
        day: days.of(clock.now()),
        endpoint: endpointOf(call.method, call.route),
        properties: propertiesOf(call.properties),
        gains: [
          1,
          statusCode >= 400 && statusCode < 500 ? 1 : 0,
          statusCode >= 500 ? 1 : 0,
          call.aborted ? 1 : 0,
        ],
      })
    },

    ignore() {
      ignored += 1
    },

    async flush() {
      if (closing !== undefined) return void (await closing)
      await work()
      await deliver()
    },

    async preview(day = days.of(clock.now())) {
      await opened
      await persist()
      const events: PxEvent[] = []
      for await (const usage of previewDay(store, day, { rollups, timeZone })) {
        events.push(rollupEvent(usage, eventSettings))
      }
      return events
    },

    stats() {
      const inMemory = tables.unstored()
      return {
        day: days.of(clock.now()),
        timeZone,
        store: store.name,
        calls: {
          counted,
          inMemory,
          stored: tables.stored(),
          ignored,
          afterClose,
          folded: tables.folded(),
          ...attribution.stats(),
        },
        lines: store.outboxCounts(),
        delivery: delivery.state(),
      }
    },

    close({ timeoutMs = defaultCloseTimeoutMs } = {}) {
      closing ??= closeMeter(timeoutMs)
      return closing
    },

    async [Symbol.asyncDispose]() {
      await meter.close()
    },
  }
  return meter
}
