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
    /** Calls that came, or were attributed, after `close()` and were not counted. */
    afterClose: number
    /** Calls counted with less detail than they had, by what `limits` had no room for: the totals are right. */
    folded: Folded
    /** Properties of calls that PX cannot have and that were left out. */
    propertiesLeftOut: number
  }
  /** Numbers of the app's counters and gauges. */
  readonly readings: ReadingStats & CollectStats
  /** Events of `track()`. */
  readonly tracked: TrackStats
  /** Lines of closed days and of `track()`. At any moment `closed = delivered + pending + unconfirmed + rejected`. */
  readonly lines: OutboxCounts
  readonly delivery: DeliveryState
}

export interface CallsAndLines {
  calls: number
  lines: number
}

/** What `close()` leaves behind. Calls are those that this process counted, of days that are still open; lines
 * are those of closed days. */
export interface CloseReport {
  /** Delivered to PX while closing. */
  sent: { lines: number }
  /** In the store, for the next start. */
  kept: CallsAndLines
  /** Lost: not sent before the timeout by a store that is not durable, or never accepted by a failing one. */
  lost: CallsAndLines
  /** What a dry run with a store that is not durable counted: it was never to be sent. Only with `dryRun`. */
  discarded?: CallsAndLines
}

export interface Meter {
  /** Counts a finished call. Never throws. */
  record(call: FinishedCall): void
  /** Tells the meter of a call that is not to be counted, for the statistics. */
  ignore(): void
  /** Tells the meter that a callback of the app threw or rejected, for `onError`. Never throws. */
  callbackFailed(callback: CallCallback, error: unknown): void
  /** Reports that code of an adapter failed within a request, once for each meter. Never throws. */
  adapterFailed(error: unknown): void
  /**
   * A number of the app's own that adds up over the day, such as exported rows. One event per identity, properties and closed
   * day has the sum.
   *
   * @param eventName the name of its events: no other instrument or rollup has it
   * @throws {UsageError} `PXU_ERR_COUNTING_INSTRUMENT`
   */
  counter(eventName: string, options: InstrumentOptions): Counter
  /**
   * A number of the app's own of which the last value of the day counts, such as seats in use.
   *
   * @throws {UsageError} `PXU_ERR_COUNTING_INSTRUMENT`
   */
  gauge(eventName: string, options: InstrumentOptions): Gauge
  /**
   * A gauge that is read once per usage day by a callback, after the day has ended and before it closes: for example the
   * storage of each account, from a database. Callbacks run beside each other, each within its own time; if one throws, is
   * rejected or takes too long, the others go on. For a day in whose grace no process ran there is no reading, and a warning.
   *
   * @throws {UsageError} `PXU_ERR_COUNTING_INSTRUMENT`
   */
  observableGauge(eventName: string, options: ObservableGaugeOptions, observeAll: ObserveAll): ObservableGauge
  /**
   * Sends an event of this moment, as durably as the rest: what cannot be sent now waits in the outbox. Not for numbers that
   * are to be added up by day: one event each would make an Average of PX wrong. Never throws.
   */
  track(eventName: string, identity: IdentityInput, properties?: GivenProperties): void
  /**
   * Stores what was counted, closes the days that are due, and sends what can be sent now.
   *
   * @throws {UsageError} `PXU_ERR_STORE_...` when the store fails; what was counted stays in memory and is tried again
   */
  flush(): Promise<void>
  /** The bodies of the events that closing the day now would send. Changes nothing. @param day the open day by default */
  preview(day?: UsageDay): Promise<PxEvent[]>
  /**
   * The lines of closed days, and real-time events, that are not delivered yet, each with the `body` that PX gets: with `dryRun`, what would
   * be sent. Changes nothing.
   *
   * @throws {UsageError} `PXU_ERR_STORE_...` while it is read, when the store fails
   */
  outbox(): AsyncIterable<WaitingLine>
  /**
   * The events, and attributes, that PX refused, oldest first: each with its `eventName`, `userId`, `accountId`, `day` and `calls`, the `body` that PX
   * got, PX's reply as `reason`, and when (`rejectedAtMs`). They are kept and not sent again: as long as the process with `memoryStore()`, until
   * their files are removed with `fileStore()`, where each process that shares the folder reads those of all. Changes nothing.
   *
   * @throws {UsageError} `PXU_ERR_STORE_...` while it is read, when the store fails; what can be read comes first
   */
  rejected(): AsyncIterable<RejectedEvent>
  stats(): MeterStats
  /** The endpoints called so far, by route and method; at most 10,000. */
  endpoints(): Endpoint[]
  /**
   * Stores what was counted and lets go of everything. With a store that keeps nothing, the open day is closed and sent
   * first. May be called again: it answers the same.
   *
   * @param options.timeoutMs how long to wait for late answers of `identify`, and for PX if the store keeps nothing @default 5_000
   */
  close(options?: { timeoutMs?: number }): Promise<CloseReport>
  [Symbol.asyncDispose](): Promise<void>
}
