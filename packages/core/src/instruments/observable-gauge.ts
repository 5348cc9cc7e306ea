import { createHash } from 'node:crypto'
import type { IdentityInput } from '../attribution/identity.ts'
import type { Clock } from '../clock.ts'
import type { UsageDays } from '../day/usage-day.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { quoted, UsageError } from '../errors.ts'
import { createNote, type Notes } from '../files/note.ts'
import type { Instrument, UsageDay } from '../model/series.ts'
import type { AppInstruments, GivenProperties, InstrumentOptions } from './counter-and-gauge.ts'

/** Takes one reading. Never throws. */
export type Observe = (identity: IdentityInput, value: number, properties?: GivenProperties) => void

/** Reads internal production data: asked once per usage day, after its end and before it closes. */
export type ObserveAll = (observe: Observe) => void | PromiseLike<void>

export interface ObservableGaugeOptions extends InstrumentOptions {
  /** How long the callback may take, in ms. What it observes later is not counted. @default 30_000 */
  timeoutMs?: number
}

export interface ObservableGauge {
  /** It is not asked any more. What was read stays. */
  remove(): void
}

export interface CollectStats {
  /** Days for which gauges were asked, each gauge for itself. */
  collected: number
  /** Callbacks that threw, were rejected or did not end in time. What they observed before is counted. */
  failed: number
  /** Days of which nothing was read, as no process ran in time. The last of each gauge, and how many in all. */
  missed: { days: number; lastByEvent: Readonly<Record<string, UsageDay>> }
}

export interface GaugeCollector {
  observableGauge(eventName: string, options: ObservableGaugeOptions, observeAll: ObserveAll): ObservableGauge
  /**
   * Asks every gauge that has not been asked for the day before today, while that day is not due to be closed.
   *
   * @throws {UsageError} when the store fails; the gauges are asked again then
   */
  collect(): Promise<void>
  stats(): CollectStats
}

interface CollectorSettings {
  clock: Clock
  days: UsageDays
  store: Notes
  instruments: AppInstruments
  diagnostics: Diagnostics
  today(): UsageDay
  isDue(day: UsageDay): boolean
  /** Hands the readings to the store. */
  persist(): Promise<void>
}

interface Collected {
  instrument: Instrument
  observeAll: ObserveAll
  timeoutMs: number
  /** The last day that was read or told as missed; `undefined` until the note was read. */
  settledDay?: UsageDay | undefined
}

const defaultTimeoutMs = 30_000
/** A process that was down longer tells the last days only. */
const mostMissedDays = 400

/**
 * Asks the app's callbacks for values that only it can read, such as the storage of each account.
 *
 * A gauge is asked for a day when it has ended, by a process that runs in the grace of that day; a note in the store says for
 * which day that was done. Another process may ask as well: a reading replaces the one before. A crash after the readings were
 * stored and before the note asks once more, for the same reason.
 */
export function createGaugeCollector(settings: CollectorSettings): GaugeCollector {
  const { clock, days, store, instruments, diagnostics, today, isDue, persist } = settings
  const gauges = new Set<Collected>()
  const lastMissed: Record<string, UsageDay> = {}
  const stats = { collected: 0, failed: 0, missedDays: 0 }

  async function ask({ instrument, observeAll, timeoutMs }: Collected, day: UsageDay): Promise<void> {
    let isOver = false
    const observe: Observe = (identity, value, properties) => {
      if (isOver) instruments.cameTooLate()
      else instruments.take(instrument, day, identity, value, properties)
    }
    try {
      await inTime(() => observeAll(observe), timeoutMs)
    } catch (cause) {
      stats.failed += 1
      const text = `The callback of ${quoted(instrument.name)} did not end well for ${day}; what it observed before is counted.`
      const failure = { code: 'PXU_ERR_DAY_COLLECT_FAILED', message: text, cause } as const
      diagnostics.report(failure, { kind: instrument.name })
    }
    isOver = true
    stats.collected += 1
  }

  /** Rejects when the task does, or does not end in time. */
  function inTime(task: () => unknown, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = clock.setTimer(
        () => reject(new Error(`It did not end within ${timeoutMs} ms (timeoutMs).`)),
        timeoutMs,
      )
      new Promise((settle) => settle(task())).then(() => resolve(), reject).finally(cancel)
    })
  }

  function dayBefore(day: UsageDay): UsageDay {
    return days.of(days.bounds(day).startMs - 1)
  }

  function dayAfter(day: UsageDay): UsageDay {
    return days.of(days.bounds(day).endMs)
  }

  function tellMissed({ instrument }: Collected, from: UsageDay, to: UsageDay): void {
    let count = 0
    for (let day = from; day <= to && count < mostMissedDays; day = dayAfter(day)) count += 1
    if (count === 0) return
    stats.missedDays += count
    lastMissed[instrument.name] = to
    const span = from === to ? from : `${from} to ${to}`
    diagnostics.publish('day:missed', { eventName: instrument.name, from, to })
    diagnostics.warn(
      'PXU_WRN_DAY_COLLECT_MISSED',
      `${quoted(instrument.name)} was not read for ${span}: no process ran between the end of the day and its close. There is no event for it. Let a process run then, or raise graceMs.`,
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

  async function settle(gauge: Collected, day: UsageDay): Promise<void> {
    await noteOf(gauge).write({ eventName: gauge.instrument.name, day })
    gauge.settledDay = day
  }

  return {
    observableGauge(eventName, options, observeAll) {
      const timeoutMs = options?.timeoutMs ?? defaultTimeoutMs
      if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1 || typeof observeAll !== 'function') {
        const text = `observableGauge(${quoted(eventName)}) needs a callback, and timeoutMs as a whole number of at least 1, if any. It got ${quoted(typeof observeAll)} and ${quoted(timeoutMs)}.`
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
      const day = dayBefore(today())
      const due: Collected[] = []
      for (const gauge of gauges) {
        if (gauge.settledDay !== undefined && gauge.settledDay >= day) continue
        await recall(gauge)
        if (gauge.settledDay === undefined || gauge.settledDay < day) due.push(gauge)
      }
      if (due.length === 0) return
      const isMissed = isDue(day)
      if (!isMissed) {
        await Promise.all(due.map((gauge) => ask(gauge, day)))
        await persist()
      }
      for (const gauge of due) {
        const last = isMissed ? day : dayBefore(day)
        // Of the days before the gauge was first declared nobody expects a reading.
        if (gauge.settledDay !== undefined) tellMissed(gauge, dayAfter(gauge.settledDay), last)
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

/** An event name may be anything, the name of a note had better not. */
function noteName({ instrument }: Collected): string {
  return `collected ${createHash('sha256').update(instrument.name).digest('hex').slice(0, 32)}`
}
