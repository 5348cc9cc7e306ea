import type { DayTables } from '../counting/day-tables.ts'
import type { DayCycle } from '../day/day-cycle.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { createAppInstruments } from '../instruments/counter-and-gauge.ts'
import { createGaugeCollector } from '../instruments/observable-gauge.ts'
import { createTracking } from '../instruments/track.ts'
import type { Settings } from '../options/parse-options.ts'
import type { Meter, MeterStats } from './meter.ts'

/** What a meter takes from the app itself, beside the calls: counters, gauges and real-time events. */
export interface AppNumbers {
  readonly face: Pick<Meter, 'counter' | 'gauge' | 'observableGauge' | 'track'>
  /** Asks the observable gauges that are due. @throws {UsageError} when the store fails */
  collect(): Promise<void>
  /** Puts real-time events in the outbox. @throws {UsageError} when the store fails */
  put(): Promise<void>
  /** The same for the last time. */
  stop(): Promise<void>
  /** Real-time events that are in no store. */
  unstoredLines(): number
  stats(): Pick<MeterStats, 'readings' | 'tracked'>
}

export function createAppNumbers({
  settings: { clock, days, store, rollups, productKey },
  tables,
  dayCycle,
  opened,
  diagnostics,
  isClosed,
  onTracked,
}: {
  settings: Pick<Settings, 'clock' | 'days' | 'store' | 'rollups' | 'productKey'>
  tables: Pick<DayTables, 'of'>
  dayCycle: Pick<DayCycle, 'today' | 'isDue' | 'persist' | 'storeSoon'>
  opened(): Promise<void>
  diagnostics: Diagnostics
  isClosed(): boolean
  onTracked(): void
}): AppNumbers {
  const { today, isDue, persist } = dayCycle
  const instruments = createAppInstruments({
    now: clock.now,
    today,
    taken: rollups.map(({ eventName }) => eventName),
    diagnostics,
    isClosed,
    add(instrument, day, identity, properties, values) {
      tables.of(day).add(instrument, identity, properties, undefined, values)
      dayCycle.storeSoon()
    },
  })
  const collector = createGaugeCollector({
    clock,
    days,
    store,
    instruments,
    diagnostics,
    today,
    isDue,
    persist,
  })
  const tracking = createTracking({
    store,
    opened,
    clock,
    diagnostics,
    productKey,
    today,
    isTaken: instruments.isDeclared,
    isClosed,
    onPut: onTracked,
  })
  const { counter, gauge } = instruments
  const { observableGauge } = collector
  const { track, put } = tracking

  return {
    face: { counter, gauge, observableGauge, track },
    collect: collector.collect,
    put,
    stop() {
      tracking.stop()
      return put()
    },
    unstoredLines() {
      const { held, dropped } = tracking.stats()
      return held + dropped
    },
    stats: () => ({
      readings: { ...instruments.stats(), ...collector.stats() },
      tracked: tracking.stats(),
    }),
  }
}
