import type { AttributionStats } from '../attribution/attribute-call.ts'
import type { FinishedCall } from '../attribution/finished-call.ts'
import type { IdentityInput } from '../attribution/identity.ts'
import type { CallCallback } from '../attribution/report-failures.ts'
import type { Folded } from '../counting/overflow.ts'
import type { DeliveryState } from '../delivery/create-px-delivery.ts'
import type {
  Counter,
  Gauge,
  GivenProperties,
  InstrumentOptions,
  ReadingStats,
} from '../instruments/counter-and-gauge.ts'
import type {
  CollectStats,
  ObservableGauge,
  ObservableGaugeOptions,
  ObserveAll,
} from '../instruments/observable-gauge.ts'
import type { TrackStats } from '../instruments/track.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { OutboxCounts, WaitingLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'
import type { RejectedEvent } from '../px/line-contents.ts'
import type { PxEvent } from '../px/px-event.ts'

/** What `stats()` returns. */
export interface MeterStats {
  /** The open usage day. */
  readonly day: UsageDay
  readonly timeZone: string
  readonly store: string
  readonly calls: AttributionStats & {
    /** Calls counted for a user. At any moment `counted = inMemory + stored`. */
    counted: number
    inMemory: number
    stored: number
    ignored: number
    /** Calls that finished, or were identified, after `close()`. They were not counted. */
    afterClose: number
    /** Calls whose detail was folded, by the limit that was reached. The totals are exact. */
    folded: Folded
    /** Properties of calls that PX does not accept and that were left out. */
    propertiesLeftOut: number
    /** Values of `measures` that were not counted, because they are not numbers or their name cannot be used. */
    measuresRefused: number
  }
  /** The values of the app's counters and gauges. */
  readonly readings: ReadingStats & CollectStats
  /** The events of `track()`. */
  readonly tracked: TrackStats
  /** Lines of closed days and of `track()`. At any moment `closed = delivered + pending + unconfirmed + rejected`. */
  readonly lines: OutboxCounts
  readonly delivery: DeliveryState
}

/** One number of `metrics()`. */
export interface MeterMetric {
  /** The name in OpenTelemetry, such as `px_usage.calls.counted`. */
  readonly name: string
  /** A counter only grows while the process runs, and begins at 0 with it. */
  readonly kind: 'counter' | 'gauge'
  /** The unit in the notation of OpenTelemetry (UCUM): `s` for seconds, and `{call}` or `{line}` for numbers of them. */
  readonly unit: string
  readonly help: string
  readonly value: number
}

/** Numbers of calls and of outbox lines. */
export interface CallsAndLines {
  calls: number
  lines: number
}

/** The result of `close()`. Calls are those that this process counted on days that are still open. Lines are those of closed days. */
export interface CloseReport {
  /** Delivered to PX during `close()`. */
  sent: { lines: number }
  /** In the store, for the next start. */
  kept: CallsAndLines
  /** Lost: not sent before the timeout by a store that is not durable, or never accepted by a failing one. */
  lost: CallsAndLines
  /** Counted by a dry run with a store that is not durable, and never meant to be sent. Only with `dryRun`. */
  discarded?: CallsAndLines
}

/** The engine: counts finished calls, closes each usage day once and delivers it to PX. */
export interface Meter {
  /** Counts a finished call. Never throws. */
  record(call: FinishedCall): void
  /** Counts an ignored call in `stats()`. */
  ignore(): void
  /** Reports to `onError` that a callback of the app threw or rejected. Never throws. */
  callbackFailed(callback: CallCallback, error: unknown): void
  /** Reports that code of an adapter failed during a request, once for each meter. Never throws. */
  adapterFailed(error: unknown): void
  /**
   * Creates a counter for a number that adds up over the day, such as exported rows. One event per identity, properties and closed
   * day has the sum.
   *
   * @param eventName the name of its events, which no other instrument or rollup may have
   * @throws {UsageError} `PXU_ERR_COUNTING_INSTRUMENT`
   */
  counter(eventName: string, options: InstrumentOptions): Counter
  /**
   * Creates a gauge for a number whose last value of the day counts, such as seats in use.
   *
   * @throws {UsageError} `PXU_ERR_COUNTING_INSTRUMENT`
   */
  gauge(eventName: string, options: InstrumentOptions): Gauge
  /**
   * Creates a gauge that a callback reads once per usage day, after the day has ended and before it closes, such as the storage of
   * each account in a database. Callbacks run concurrently, each with its own time limit. If one throws, rejects or exceeds
   * its limit, the others continue. If no process runs during `graceMs` after a day, the day has no reading and px-usage warns.
   *
   * @throws {UsageError} `PXU_ERR_COUNTING_INSTRUMENT`
   */
  observableGauge(eventName: string, options: ObservableGaugeOptions, observeAll: ObserveAll): ObservableGauge
  /**
   * Sends a real-time event through the outbox, where it waits until PX takes it. Use a counter for numbers that add up over a day,
   * because one event for each of them would make PX's Average wrong. Never throws.
   */
  track(eventName: string, identity: IdentityInput, properties?: GivenProperties): void
  /**
   * Stores what was counted, closes the days that are due, and sends what can be sent now.
   *
   * @throws {UsageError} `PXU_ERR_STORE_...` if the store fails; the counts stay in memory and px-usage retries
   */
  flush(): Promise<void>
  /** Returns the bodies of the events that closing the day now would send. Changes nothing. @param day @default the open day */
  preview(day?: UsageDay): Promise<PxEvent[]>
  /**
   * Yields the lines that are not delivered yet, of closed days and real-time events, each with the `body` for PX. With `dryRun`
   * these are the lines that would be sent. Changes nothing.
   *
   * @throws {UsageError} `PXU_ERR_STORE_...` if the store fails while it is read
   */
  outbox(): AsyncIterable<WaitingLine>
  /**
   * Yields the events and attributes that PX refused, oldest first. Each has its `eventName`, `userId`, `accountId`, `day` and `calls`,
   * the `body` that was sent, PX's reply as `reason`, and the time as `rejectedAtMs`. px-usage never sends them again by itself. `memoryStore()` keeps
   * them until the process exits. `fileStore()` keeps them until their files are removed, and yields those of all processes
   * that share the folder. Changes nothing.
   *
   * @throws {UsageError} `PXU_ERR_STORE_...` if the store fails while it is read; readable lines come first
   */
  rejected(): AsyncIterable<RejectedEvent>
  stats(): MeterStats
  /**
   * Returns the numbers to monitor px-usage by, all read at one moment; see docs/metrics.md. Names, kinds, units and order are stable: a
   * minor version may only add metrics at the end.
   */
  metrics(): MeterMetric[]
  /** Returns the method and route of each endpoint that was called so far, at most 10,000 of them. */
  endpoints(): Endpoint[]
  /**
   * Stores what was counted and releases all resources. With a store that is not durable, it closes and sends the open day first.
   * A second call resolves to the same report.
   *
   * @param options.timeoutMs how long to await pending `identify` calls, and PX if the store is not durable, in milliseconds
   * @default 5_000
   */
  close(options?: { timeoutMs?: number }): Promise<CloseReport>
  [Symbol.asyncDispose](): Promise<void>
}
