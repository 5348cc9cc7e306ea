import { attributeAdditions } from '../attributes/px-attributes.ts'
import { createRunningAttributes } from '../attributes/running-attributes.ts'
import { createAttribution } from '../attribution/attribute-call.ts'
import { createCallProperties } from '../attribution/call-properties.ts'
import { createEndpoints } from '../attribution/endpoint.ts'
import { reportAdapterFailure, reportCallbackFailure } from '../attribution/report-failures.ts'
import { createCallKinds } from '../counting/call-kinds.ts'
import { createDayTables } from '../counting/day-tables.ts'
import { createIdleSeries } from '../counting/idle-series.ts'
import { type ClosingSettings, closeDay, previewDay } from '../day/close-day.ts'
import { createDayCycle } from '../day/day-cycle.ts'
import type { DayUsage } from '../day/rollup.ts'
import { createZeroFill } from '../day/zero-fill.ts'
import { createPxDelivery } from '../delivery/create-px-delivery.ts'
import { createDiagnostics } from '../diagnostics.ts'
import { createCallMeasures } from '../instruments/call-measures.ts'
import { createMeterInstruments } from '../instruments/meter-instruments.ts'
import { isEnabled } from '../options/environment.ts'
import { checkProductKey } from '../options/parse-keys.ts'
import { type MeterOptions, namespaceOf, parseOptions } from '../options/parse-options.ts'
import { rejectedEvent } from '../px/line-contents.ts'
import { type PxEvent, rollupLine } from '../px/px-event.ts'
import { memoryStore } from '../stores/memory-store.ts'
import { closeMeter } from './close-meter.ts'
import { closeOnSignal } from './close-on-signal.ts'
import { createLeftoverMeters } from './leftover-meters.ts'
import type { CloseReport, Meter } from './meter.ts'
import { metricsOf } from './meter-metrics.ts'
import { createStoreOpening } from './open-store.ts'
import { previewEvents } from './preview-events.ts'
import { createProcessNote } from './process-note.ts'

const defaultCloseTimeoutMs = 5_000

/**
 * Creates a meter, the engine that counts finished calls, closes each usage day once and delivers it to PX.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_...` for an option that is missing or invalid
 */
export function createMeter(options: MeterOptions = {}): Meter {
  return isEnabled(options?.enabled, process.env) ? buildMeter(options, true) : closedMeter()
}

/** Creates a meter for `enabled: false`. It accepts everything, keeps nothing, and has no timer. */
function closedMeter(): Meter {
  const meter = buildMeter({ dryRun: true, store: memoryStore() }, false)
  void meter.close()
  return meter
}

/**
 * Creates a meter from its parts.
 *
 * @param adopts whether it also closes and sends what earlier processes left in other namespaces; `false` for the meters that do so
 */
function buildMeter(options: MeterOptions, adopts: boolean): Meter {
  const settings = parseOptions(options, process.env)
  const { clock, days, store, rollups, graceMs } = settings
  const { timeZone } = days
  const diagnostics = createDiagnostics(settings.onError, clock)
  if (adopts && !settings.dryRun && settings.delivery === undefined) {
    checkProductKey(settings.productKey, diagnostics)
  }
  const tables = createDayTables({
    store,
    limits: settings.limits,
    properties: settings.properties,
    diagnostics,
    idle: createIdleSeries(settings.limits, clock.elapsed),
  })
  const context = { clock, diagnostics, timeZone, namespace: adopts ? namespaceOf(settings) : undefined }
  const opening = createStoreOpening(store, context)
  const { opened, tryNow } = opening
  const dayCycle = createDayCycle({ clock, days, graceMs, store, opened, tables, diagnostics })
  const delivery = createPxDelivery(settings, { store, diagnostics, confirmClock: dayCycle.confirmClock })
  const leftovers = createLeftoverMeters({
    ...{ store, clock, diagnostics },
    makeMeter: ({ timeZone, store }) =>
      buildMeter({ ...options, timeZone, store, closeOnSignal: false }, false),
  })
  const eventSettings = { productKey: settings.productKey, timeZone, noon: days.noon }
  const toLine = (usage: DayUsage) => rollupLine(usage, eventSettings)
  const zeroFill =
    settings.zeroFillDays === 0
      ? undefined
      : createZeroFill({
          days: settings.zeroFillDays,
          maxIdentities: settings.limits.users,
          rollups,
          namespace: settings.productKey,
          usageDays: days,
          store,
          today: dayCycle.today,
          isDue: dayCycle.isDue,
          toLine,
        })
  const closingSettings: ClosingSettings = {
    rollups,
    timeZone,
    namespace: settings.productKey,
    diagnostics,
    additions: (day) => [
      ...attributeAdditions({
        names: settings.attributes,
        rollups,
        day,
        timeZone,
        productKey: settings.productKey,
      }),
      ...(zeroFill === undefined ? [] : [zeroFill.addition(day)]),
    ],
    toLine,
  }
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
          today: dayCycle.today,
          usages: (day) => previewDay(store, day, closingSettings),
          isAffordable: delivery.isAtEase,
          onPut: delivery.wakeNow,
        })

  let counted = 0
  let ignored = 0
  let afterClose = 0
  let closing: Promise<CloseReport> | undefined
  /** Whether counting has ended. What is not in the store by then is part of the report of `close()`. */
  let isClosed = false
  let stopListening = () => {}

  const endpoints = createEndpoints()
  const callProperties = createCallProperties(settings.properties, diagnostics)
  const callMeasures = createCallMeasures(settings.properties, diagnostics)
  const callKinds = createCallKinds(endpoints, callProperties)
  const attribution = createAttribution({
    clock,
    diagnostics,
    today: dayCycle.today,
    timeoutMs: settings.identifyTimeoutMs,
    lookupTimeoutMs: graceMs,
    maxPending: 10_000,
    count(identity, call, times) {
      if (isClosed) {
        afterClose += times
        return
      }
      counted += times
      tables.addCall(identity, call, times)
      dayCycle.storeSoon()
    },
    countOne(userId, accountId, kind) {
      counted += 1
      tables.add(dayCycle.today(), userId, accountId, kind)
      dayCycle.storeSoon()
    },
  })
  const instruments = createMeterInstruments({
    settings,
    tables,
    dayCycle,
    opened,
    diagnostics,
    isClosed: () => isClosed,
    onTracked: delivery.wakeNow,
  })

  const processNote = createProcessNote({ store, clock, settings, stats: () => meter.stats() })

  opening.start(async () => {
    delivery.wake()
    if (adopts) void leftovers.look()
    await processNote.writeIfDue()
    await delivery.check()
  })
  dayCycle.start({
    collect: instruments.collect,
    close: (day) => closeDay(store, day, { ...closingSettings, maxLines: delivery.linesForDay() }),
    closed: async () => zeroFill?.fillEmptyDays(),
    onTick() {
      delivery.wake()
      void running?.putIfDue().catch(() => {})
      void processNote.writeIfDue()
    },
  })

  function refuseAfterClose(): void {
    afterClose += 1
    if (settings.dryRun) return
    diagnostics.warn(
      'PXU_WRN_METER_CLOSED',
      'A call finished after the meter was closed, and is not counted. Close the server first, and the meter after its last response.',
    )
  }

  const meter: Meter = {
    record(call) {
      if (closing !== undefined) return refuseAfterClose()
      attribution.attribute(call.identity, callKinds.of(call), callMeasures.of(call.measures))
    },

    ignore() {
      ignored += 1
    },

    callbackFailed: (callback, error) => reportCallbackFailure(diagnostics, callback, error),
    adapterFailed: (error) => reportAdapterFailure(diagnostics, error),

    ...instruments.face,

    async flush() {
      if (closing !== undefined) return void (await closing)
      await tryNow().catch(() => {})
      await dayCycle.work()
      await instruments.put()
      await delivery.run()
      await leftovers.flush()
    },

    async preview(day = dayCycle.today()) {
      await tryNow()
      await dayCycle.persist()
      const { productKey } = settings
      const events: PxEvent[] = []
      for await (const event of previewEvents(store, day, { rollups, productKey, days, diagnostics })) {
        events.push(event)
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
        day: dayCycle.today(),
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
          measuresRefused: callMeasures.refused,
          ...attribution.stats(),
        },
        ...instruments.stats(),
        lines: store.outboxCounts(),
        delivery: delivery.state(),
      }
    },

    metrics: () => metricsOf(meter.stats()),
    endpoints: endpoints.list,

    close({ timeoutMs = defaultCloseTimeoutMs } = {}) {
      closing ??= closeMeter(
        {
          ...{ clock, store, diagnostics, dryRun: settings.dryRun, opening, dayCycle, tables, attribution },
          ...{ instruments, delivery, leftovers, processNote },
          onClosed() {
            isClosed = true
          },
        },
        timeoutMs,
      ).finally(stopListening)
      return closing
    },

    async [Symbol.asyncDispose]() {
      await meter.close()
    },
  }
  if (settings.closeOnSignal) stopListening = closeOnSignal(() => meter.close())
  return meter
}
