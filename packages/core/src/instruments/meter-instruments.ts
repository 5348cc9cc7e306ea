import type { Clock } from '../clock.ts'
import type { DayTables } from '../counting/day-tables.ts'
import type { DayCycle } from '../day/day-cycle.ts'
import type { UsageDays } from '../day/usage-day.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { Store } from '../model/store.ts'
import { type AppInstruments, createAppInstruments } from './counter-and-gauge.ts'
import { type CollectStats, createGaugeCollector, type GaugeCollector } from './observable-gauge.ts'
import { createTracking, type Tracking, type TrackStats } from './track.ts'

/** What a meter receives from the app itself: counters, gauges and real-time events. */
export interface MeterInstruments {
  readonly face: Pick<AppInstruments, 'counter' | 'gauge'> &
    Pick<GaugeCollector, 'observableGauge'> &
    Pick<Tracking, 'track'>
  /** Reads the observable gauges that are due. @throws {UsageError} if the store fails */
  collect(): Promise<void>
  /** Puts real-time events into the outbox. @throws {UsageError} if the store fails */
  put(): Promise<void>
  /** Puts them for the last time. */
  stop(): Promise<void>
  /** Returns the number of real-time events that are not in the store. */
  unstoredLines(): number
  stats(): { readings: ReturnType<AppInstruments['stats']> & CollectStats; tracked: TrackStats }
}

/** Creates the instruments, the gauge collector and the tracking of a meter. */
export function createMeterInstruments({
  settings: { clock, days, store, rollups, productKey },
  tables,
  dayCycle,
  opened,
  diagnostics,
  isClosed,
  onTracked,
}: {
  settings: {
    clock: Clock
    days: UsageDays
    store: Store
    rollups: ReadonlyArray<{ readonly eventName: string }>
    productKey: string
  }
  tables: Pick<DayTables, 'of'>
  dayCycle: Pick<DayCycle, 'today' | 'isDue' | 'persist' | 'storeSoon'>
  opened(): Promise<void>
  diagnostics: Diagnostics
  isClosed(): boolean
  onTracked(): void
}): MeterInstruments {
  const { today, isDue, persist } = dayCycle
  const instruments = createAppInstruments({
    now: clock.now,
    today,
    taken: rollups.map(({ eventName }) => eventName),
    diagnostics,
    isClosed,
    add(instrument, day, identity, properties, values) {
      tables.of(day).add({ instrument, identity, properties }, values)
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
