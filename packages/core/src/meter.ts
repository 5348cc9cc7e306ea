import { createAppNumbers } from './app-numbers.ts'
import { createAdapterFailure } from './attribution/adapter-failure.ts'
import { createAttribution } from './attribution/attribute-call.ts'
import { createCallProperties } from './attribution/call-properties.ts'
import { reportCallbackFailure } from './attribution/callback-failures.ts'
import { createEndpoints } from './attribution/endpoint.ts'
import { closeOnSignal } from './close-on-signal.ts'
import { createDayTables } from './counting/day-tables.ts'
import { createIdleSeries } from './counting/idle-series.ts'
import { type ClosingSettings, closeDay, previewDay } from './day/close-day.ts'
import { createDayKeeper } from './day/day-keeper.ts'
import { createDayAdditions } from './day-additions.ts'
import { deliverToPx } from './delivery/deliver-to-px.ts'
import { rejectedEvent } from './delivery/line-contents.ts'
import { type PxEvent, rollupEvent, rollupLine } from './delivery/px-event.ts'
import { createRunningAttributes } from './delivery/running-attributes.ts'
import { createDiagnostics } from './diagnostics.ts'
import { UsageError } from './errors.ts'
import { createLeftoverMeters } from './leftover-meters.ts'
import type { CloseReport, Meter } from './meter-face.ts'
import { openStore } from './open-store.ts'
import { type MeterOptions, namespaceOf, parseOptions } from './options.ts'

const defaultCloseTimeoutMs = 5_000
/** How long requests under way are waited for when their lines outlive the process: what is broken off is looked up later. */
const lastAnswersMs = 150
/** How long a broken-off request may take to be noted in the store. */
const lastSettlingMs = 100

/**
 * The engine: counts finished calls, closes each usage day once, delivers it to PX.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_...` for an option that cannot be used
 */
export function createMeter(options: MeterOptions = {}): Meter {
  return buildMeter(options, true)
}

/** @param adopts whether it also closes and sends what earlier processes left in other namespaces; `false` for the meter that does so */
function buildMeter(options: MeterOptions, adopts: boolean): Meter {
  const settings = parseOptions(options, process.env)
  const { clock, days, store, rollups, graceMs } = settings
  const { timeZone } = days
  const diagnostics = createDiagnostics(settings.onError, clock)
  const tables = createDayTables({
    store,
    limits: settings.limits,
    properties: settings.properties,
    diagnostics,
    idle: createIdleSeries(settings.limits, clock.elapsed),
  })
  const delivery = deliverToPx(settings, { store, diagnostics, heard: (epochMs) => keeper.hear(epochMs) })
  const eventSettings = { productKey: settings.productKey, timeZone, noon: days.noon }
  const closingSettings: ClosingSettings = {
    rollups,
    timeZone,
    namespace: settings.productKey,
    diagnostics,
    additions: (day) => additions.of(day),
    toLine: (usage) => rollupLine(usage, eventSettings),
  }
  const endpoints = createEndpoints()
  const callProperties = createCallProperties(settings.properties, diagnostics)
  const attribution = createAttribution({
    clock,
    diagnostics,
    timeoutMs: settings.identifyTimeoutMs,
    lookupTimeoutMs: graceMs,
    maxPending: 10_000,
    count(identity, { day, endpoint, properties, statusCode, aborted }, times) {
      if (isClosed) {
        afterClose += times
        return
      }
      counted += times
      const { method, route } = endpoint
      tables.of(day).addCall(identity, properties, method, route, statusCode, aborted, times)
      keeper.storeSoon()
    },
  })

  let counted = 0
  let ignored = 0
  let afterClose = 0
  let closing: Promise<CloseReport> | undefined
  /** Nothing can be counted any more: what is not in the store by now is told in the report of `close()`. */
  let isClosed = false
  let forgetSignals = () => {}

  const leftovers = createLeftoverMeters({
    ...{ store, clock, diagnostics },
    makeMeter: ({ timeZone, store }) =>
      buildMeter({ ...options, timeZone, store, closeOnSignal: false }, false),
  })
  const context = { clock, diagnostics, timeZone, namespace: adopts ? namespaceOf(settings) : undefined }
  const {
    opened,
    tryNow,
    stop: stopOpening,
  } = openStore(store, context, async () => {
    delivery.wake()
    if (adopts) void leftovers.look()
    await delivery.check()
  })
  const keeper = createDayKeeper({
    clock,
    days,
    graceMs,
    store,
    opened,
    tables,
    diagnostics,
    collect: () => numbers.collect(),
    close: (day) => closeDay(store, day, { ...closingSettings, maxLines: delivery.linesForDay() }),
    closed: () => additions.fillEmptyDays(),
    onTick() {
      delivery.wake()
      void running?.putIfDue().catch(() => {})
    },
  })
  const additions = createDayAdditions(settings, keeper, eventSettings)
  const { running: runningNames } = settings.attributes
  const running =
    runningNames === undefined
      ? undefined
      : createRunningAttributes({
          names: runningNames,
          everyMs: runningNames.everyMs,
          rollups,
          timeZone,
          productKey: settings.productKey,
          clock,
          store,
          today: keeper.today,
          usages: (day) => previewDay(store, day, closingSettings),
          isAffordable: delivery.isAtEase,
          onPut: delivery.wakeNow,
        })
  const numbers = createAppNumbers({
    settings,
    tables,
    keeper,
    opened,
    diagnostics,
    isClosed: () => isClosed,
    onTracked: delivery.wakeNow,
  })
  keeper.start()

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
    const left = () => Math.max(deadline - clock.elapsed(), 0)
    const inTime = (task: Promise<unknown>) => within(task, left())
    const leftoversClosed = leftovers.close(timeoutMs)
    keeper.stop()
    stopOpening()
    await inTime(opened())
    const deliveredBefore = store.outboxCounts().delivered
    await inTime(attribution.settled())
    isClosed = true
    keeper.cancelStoring()
    await inTime(keeper.idle())
    await inTime(
      opened()
        .then(keeper.persist)
        .then(() => (store.durable ? undefined : keeper.closeAll())),
    )
    await inTime(numbers.stop())
    keeper.cancelStoring()
    if (!store.durable) await inTime(delivery.run())
    await within(delivery.stop(), store.durable ? Math.min(left(), lastAnswersMs) : left())
    // Whatever is still on its way to PX breaks off here, and is noted as unknown.
    await delivery.breakOff()
    await within(delivery.stop(), lastSettlingMs)
    const { delivered, pending, unknown } = store.outboxCounts()
    const sent = { lines: delivered - deliveredBefore }
    const unsent = { calls: tables.storedOpen(), lines: pending + unknown }
    const unstored = {
      calls: tables.unstored() + attribution.stats().pending,
      lines: numbers.unstoredLines(),
    }
    const closed = store.close().catch((cause: unknown) => {
      diagnostics.report(
        new UsageError('PXU_ERR_STORE_UNAVAILABLE', 'The store could not be closed.', { cause }),
      )
    })
    await within(Promise.all([closed, leftoversClosed]), Math.max(left(), lastSettlingMs))
    forgetSignals()
    if (store.durable) return { sent, kept: unsent, lost: unstored }
    return {
      sent,
      kept: { calls: 0, lines: 0 },
      lost: { calls: unsent.calls + unstored.calls, lines: unsent.lines + unstored.lines },
    }
  }

  const meter: Meter = {
    record(call) {
      if (closing !== undefined) {
        afterClose += 1
        return
      }
      attribution.attribute(call.identity, {
        day: keeper.today(),
        endpoint: endpoints.of(call.method, call.route),
        properties: callProperties.of(call.properties),
        statusCode: call.statusCode,
        aborted: call.aborted,
      })
    },

    ignore() {
      ignored += 1
    },

    callbackFailed: (callback, error) => reportCallbackFailure(diagnostics, callback, error),
    adapterFailed: createAdapterFailure(diagnostics),

    ...numbers.face,

    async flush() {
      if (closing !== undefined) return void (await closing)
      await tryNow().catch(() => {})
      await keeper.work()
      await numbers.put()
      await delivery.run()
      await leftovers.flush()
    },

    async preview(day = keeper.today()) {
      await tryNow()
      await keeper.persist()
      const events: PxEvent[] = []
      for await (const usage of previewDay(store, day, closingSettings)) {
        events.push(rollupEvent(usage, eventSettings))
      }
      return events
    },

    async *outbox() {
      await opened()
      yield* store.waiting()
    },

    async *rejected() {
      await opened()
      for await (const line of store.rejected()) yield rejectedEvent(line)
    },

    stats() {
      const inMemory = tables.unstored()
      return {
        day: keeper.today(),
        timeZone,
        store: store.name,
        calls: {
          counted,
          inMemory,
          stored: tables.stored(),
          ignored,
          afterClose,
          folded: tables.folded(),
          propertiesLeftOut: callProperties.leftOut,
          ...attribution.stats(),
        },
        ...numbers.stats(),
        lines: store.outboxCounts(),
        delivery: delivery.state(),
      }
    },

    routes: endpoints.list,

    close({ timeoutMs = defaultCloseTimeoutMs } = {}) {
      closing ??= closeMeter(timeoutMs)
      return closing
    },

    async [Symbol.asyncDispose]() {
      await meter.close()
    },
  }
  if (settings.closeOnSignal) forgetSignals = closeOnSignal(() => meter.close())
  return meter
}
