import type { IdentityInput } from '../attribution/identity.ts'
import { type Clock, settlesWithin } from '../clock.ts'
import type { DayCycle } from '../day/day-cycle.ts'
import type { UsageDays } from '../day/usage-day.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { quoted, UsageError } from '../errors.ts'
import { createNote, type Notes } from '../files/note.ts'
import { shortHash } from '../files/short-hash.ts'
import type { Instrument, UsageDay } from '../model/series.ts'
import type { Store } from '../model/store.ts'
import type { AppInstruments, GivenProperties, InstrumentOptions } from './counter-and-gauge.ts'

/** Takes one reading of an observable gauge. Never throws. */
export type Observe = (identity: IdentityInput, value: number, properties?: GivenProperties) => void

/** The app's callback that reads internal production data. Called once per usage day, after its end and before it closes. */
export type ObserveAll = (observe: Observe) => void | PromiseLike<void>

/** The options of an observable gauge. */
export interface ObservableGaugeOptions extends InstrumentOptions {
  /** Time limit of the callback, in milliseconds. Later readings are not counted. @default 30_000 */
  timeoutMs?: number
}

/** An observable gauge of a meter. */
export interface ObservableGauge {
  /** Stops reading the gauge. Earlier readings stay. */
  remove(): void
}

/** The numbers of readings of observable gauges, by result. */
export interface CollectStats {
  /** Readings of gauges: one for each gauge and day. */
  collected: number
  /** Callbacks that threw, rejected or exceeded their time limit. What they observed before that is counted. */
  failed: number
  /** Days without a reading, because no process ran in time: their number, and the last one of each gauge. */
  missed: { days: number; lastByEvent: Readonly<Record<string, UsageDay>> }
}

/** Reads the observable gauges of a meter. */
export interface GaugeCollector {
  observableGauge(eventName: string, options: ObservableGaugeOptions, observeAll: ObserveAll): ObservableGauge
  /**
   * Reads every gauge that was not read for yesterday yet, unless yesterday is due to be closed.
   *
   * @throws {UsageError} if the store fails; the gauges are read again then
   */
  collect(): Promise<void>
  stats(): CollectStats
}

interface CollectorSettings extends Pick<DayCycle, 'today' | 'isDue' | 'persist'> {
  clock: Clock
  days: UsageDays
  store: Notes & Pick<Store, 'reserve'>
  instruments: AppInstruments
  diagnostics: Diagnostics
}

/** A declared gauge. */
interface Collected {
  instrument: Instrument
  observeAll: ObserveAll
  timeoutMs: number
  /** The last day that was read or reported as missed; `undefined` until the note was read. */
  settledDay?: UsageDay | undefined
}

const defaultTimeoutMs = 30_000
/** How long a process may need for the store after the callback, 60000 ms (1 minute), before another one calls its own. */
const storingMs = 60_000
/** The most missed days that are counted after a long downtime. */
const maxMissedDays = 400

/**
 * Creates the collector, which calls the app's callbacks for values that only the app can read, such as the storage of each account.
 *
 * A gauge is read after the end of a day, by a process that runs during the `graceMs` of that day. It reserves the reading, so that the
 * processes that share a store put the question to the app's database once. A note in the store says which day was read. A crash before the
 * note makes another process read it again, which is harmless, because a reading replaces the earlier one.
 */
export function createGaugeCollector(settings: CollectorSettings): GaugeCollector {
  const { clock, days, store, instruments, diagnostics, today, isDue, persist } = settings
  const gauges = new Set<Collected>()
  const lastMissed: Record<string, UsageDay> = {}
  const stats = { collected: 0, failed: 0, missedDays: 0 }

  async function read({ instrument, observeAll, timeoutMs }: Collected, day: UsageDay): Promise<void> {
    let isOver = false
    const observe: Observe = (identity, value, properties) => {
      if (isOver) instruments.cameTooLate()
      else instruments.take(instrument, day, identity, value, properties)
    }
    try {
      const reading = new Promise((settle) => settle(observeAll(observe)))
      const isInTime = await settlesWithin(clock, reading, { timeoutMs })
      if (!isInTime) throw new Error(`The callback did not finish within ${timeoutMs} ms (timeoutMs).`)
      await reading
    } catch (cause) {
      stats.failed += 1
      const text = `The callback of ${quoted(instrument.name)} failed for ${day}. What it observed before is counted. Fix the callback, or raise timeoutMs.`
      const failure = { code: 'PXU_ERR_DAY_COLLECT_FAILED', message: text, cause } as const
      diagnostics.report(failure, { kind: instrument.name })
    }
    isOver = true
    stats.collected += 1
  }

  function warnOfMissed({ instrument }: Collected, from: UsageDay, to: UsageDay): void {
    let count = 0
    for (let day = from; day <= to && count < maxMissedDays; day = days.after(day)) count += 1
    if (count === 0) return
    stats.missedDays += count
    lastMissed[instrument.name] = to
    const span = from === to ? from : `${from} to ${to}`
    diagnostics.publish('day:missed', { eventName: instrument.name, from, to })
    diagnostics.warn(
      'PXU_WRN_DAY_COLLECT_MISSED',
      `${quoted(instrument.name)} was not read for ${span}: no process ran between the end of the day and its close, so there is no event for it. Keep a process running at that time, or raise graceMs.`,
    )
  }

  function noteOf(gauge: Collected) {
    return createNote(store, noteName(gauge), isSettled)
  }

  async function recall(gauge: Collected): Promise<void> {
    const noted = await noteOf(gauge).read()
    if (noted !== undefined && (gauge.settledDay === undefined || noted.day > gauge.settledDay))
      gauge.settledDay = noted.day
  }

  async function isMine(gauge: Collected): Promise<boolean> {
    return (await store.reserve?.(noteName(gauge), gauge.timeoutMs + storingMs)) ?? true
  }

  async function settle(gauge: Collected, day: UsageDay): Promise<void> {
    await noteOf(gauge).write({ eventName: gauge.instrument.name, day })
    gauge.settledDay = day
  }

  return {
    observableGauge(eventName, options, observeAll) {
      const timeoutMs = options?.timeoutMs ?? defaultTimeoutMs
      if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1 || typeof observeAll !== 'function') {
        const text = `observableGauge(${quoted(eventName)}) got a callback of the type ${quoted(typeof observeAll)} and timeoutMs ${quoted(timeoutMs)}. Give a function, and a whole number of at least 1 or no timeoutMs.`
        throw new UsageError('PXU_ERR_COUNTING_INSTRUMENT', text)
      }
      const instrument = instruments.declare(eventName, options, 'last')
      const gauge: Collected = { instrument, observeAll, timeoutMs }
      gauges.add(gauge)
      return {
        remove() {
          if (gauges.delete(gauge)) instruments.forget(instrument)
        },
      }
    },

    async collect() {
      if (gauges.size === 0) return
      const day = days.before(today())
      const due: Collected[] = []
      for (const gauge of gauges) {
        if (gauge.settledDay !== undefined && gauge.settledDay >= day) continue
        await recall(gauge)
        const isSettled = gauge.settledDay !== undefined && gauge.settledDay >= day
        if (!isSettled && (await isMine(gauge))) due.push(gauge)
      }
      if (due.length === 0) return
      const isMissed = isDue(day)
      if (!isMissed) {
        await Promise.all(due.map((gauge) => read(gauge, day)))
        await persist()
      }
      for (const gauge of due) {
        const last = isMissed ? day : days.before(day)
        // Days before the gauge was first declared are not missed: no reading was expected then.
        if (gauge.settledDay !== undefined) warnOfMissed(gauge, days.after(gauge.settledDay), last)
        await settle(gauge, day)
      }
    },

    stats: () => ({
      collected: stats.collected,
      failed: stats.failed,
      missed: { days: stats.missedDays, lastByEvent: { ...lastMissed } },
    }),
  }
}

function isSettled(value: unknown): value is { eventName: string; day: UsageDay } {
  const { day } = (value ?? {}) as { day?: unknown }
  return typeof day === 'string' && /^\d{4}-\d\d-\d\d$/.test(day)
}

/** Returns the name of the gauge's note. It is a hash, because an event name may contain characters that no file name can have. */
function noteName({ instrument }: Collected): string {
  return `collected ${shortHash(instrument.name, 32)}`
}
