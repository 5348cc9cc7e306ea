import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { Claim, OutboxCounts, OutboxLine, RejectedLine, Settlement, WaitingLine } from './outbox-line.ts'
import type { CountBatch, SeriesTotal, UsageDay } from './series.ts'

export type DayClose =
  /** This process closed the day: its lines are in the outbox. Revision 0 is the first close; later ones carry late counts only. */
  | { readonly outcome: 'closed'; readonly revision: number; readonly lines: number; readonly calls: number }
  /** A writer of the day is alive and has not sealed it. */
  | { readonly outcome: 'waiting'; readonly writers: number }
  /** Another process closes the days of this store now, or there is nothing to close. */
  | { readonly outcome: 'notLeader' | 'empty' }

/**
 * Creates the lines of a day from its totals. Pure and deterministic: after a crash it simply runs again. It may read the
 * totals more than once. One series may come several times, each time with some of its values.
 */
export type MakeLines = (totals: AsyncIterable<SeriesTotal>, revision: number) => AsyncIterable<OutboxLine>

/**
 * Identifies the product, the PX address and the purpose of counts. A store that several meters share keeps namespaces and
 * time zones apart: each meter sees, closes and sends only its own counts.
 */
export interface Namespace {
  /** `''` for a meter without a product key: a dry run, or a test with its own `delivery`. */
  readonly productKey: string
  /** Address of PX; `''` without a product key. */
  readonly baseUrl: string
  /** Whether the counts must never be sent. `false` without a product key, because no product can receive them. */
  readonly dryRun: boolean
}

export interface StoreContext {
  clock: Clock
  diagnostics: Diagnostics
  timeZone: string
  /** If it is missing, the store does not separate namespaces. */
  namespace?: Namespace | undefined
}

/**
 * Days that earlier processes left in a namespace in which no living process counts, because the time zone or the PX
 * address was changed.
 */
export interface LeftoverDays {
  /** PX address and time zone, for texts that users read; the same on each call. */
  readonly name: string
  readonly timeZone: string
  /** A store that holds only these days. It is not open yet, and must be opened without a `namespace`. */
  readonly store: Store
}

/**
 * Where day totals and unsent lines live: memory, file, Redis.
 *
 * - The meter calls `open` until it resolves. It starts to count earlier: `add` may be called before `open` has resolved, every
 *   other method only afterwards. A meter never overlaps two calls of one method.
 * - A failure of the disk or the network rejects with `UsageError` `PXU_ERR_STORE_UNAVAILABLE`. The failed call has changed
 *   nothing that a retry would change twice.
 * - No method blocks the event loop for more than a few milliseconds.
 */
export interface Store {
  readonly name: string
  /** Whether counts and lines survive the process. If not, `close()` of the meter closes the open day and sends it. */
  readonly durable: boolean
  /** Where a durable store keeps its data, in the words of the app's configuration; for texts that users read. */
  readonly place?: string
  /**
   * How long the meter may keep counts in memory, in ms; 0 means until the end of the event-loop turn. The meter reads it
   * for each flush, because it may change.
   */
  readonly flushAfterMs: number

  open(context: StoreContext): Promise<void>

  /**
   * Adds a batch. Once it returns or resolves, the batch is as safe as this store can make it. After a throw or a rejection
   * the meter offers the same batch again before any other batch of its day. A sequence that was added before is not added twice.
   */
  add(batch: CountBatch): void | Promise<void>

  /** Declares that this writer is done with the day. A batch that comes later is kept, and becomes a revision. */
  seal(day: UsageDay): Promise<void>

  /** Returns the days with counts that are not closed yet, oldest first. */
  openDays(): Promise<UsageDay[]>

  /** What all writers have stored of an open day so far. One series may come several times, each time with some of its values. */
  totals(day: UsageDay): AsyncIterable<SeriesTotal>

  /**
   * Closes a day once all its writers have sealed it or died: turns its totals into lines of the outbox, in one step. If
   * several processes try, one of them succeeds.
   *
   * `force` does not wait for writers that are alive; their later counts become a revision.
   */
  closeDay(day: UsageDay, makeLines: MakeLines, options?: { force?: boolean }): Promise<DayClose>

  /**
   * Returns how often a day was closed, which is the revision of its next close. It is 0 for a day that was never closed, and for one
   * that was closed so long ago that the store no longer knows.
   */
  revisionOf?(day: UsageDay): Promise<number>

  /** Adds lines that belong to no closed day to the outbox. A line whose id is there, or was added lately, is ignored. */
  put(lines: readonly OutboxLine[]): Promise<void>

  /**
   * Claims up to `limit` due lines that no other process sends, oldest day first and totals before details. While another
   * process sends, it returns no lines, and `nextDueInMs` is the time until the next try.
   */
  claim(limit: number): Promise<Claim>

  /** Records, as durably as the store can, that these claimed lines are about to be sent. The request starts only after it resolved. */
  markAttempts(ids: readonly string[], atMs: number): Promise<void>

  /** Records what became of claimed lines, and releases them. A line with an attempt and no settlement becomes `unconfirmed`. */
  settle(settlements: readonly Settlement[]): Promise<void>

  /** Returns the lines that wait to be sent or looked up, without claiming them. Changes nothing. */
  waiting(): AsyncIterable<WaitingLine>

  /** Returns the lines that PX refused, whichever process sent them. Changes nothing. */
  rejected(): AsyncIterable<RejectedLine>

  outboxCounts(): OutboxCounts

  /**
   * Returns whether this process sends the lines of the store; if no process does, this one takes over. While it does,
   * `outboxCounts()` includes the lines of all processes that share the store.
   */
  isSender(): Promise<boolean>

  /**
   * Reports that this process cannot send lines now: PX refuses its key, it cannot reach PX, or it is in a dry run. The meter
   * calls it repeatedly while that lasts and nothing is claimed. If this process is the one that sends and another process
   * wants to, that one takes over.
   */
  cannotSend?(): Promise<void>

  /** Reads a note: a small fact that must survive a restart, such as the number of requests spent today. */
  readNote(name: string): Promise<string | undefined>
  writeNote(name: string, value: string): Promise<void>
  /** Sets a note aside because its content is damaged, and reports it. */
  discardNote(name: string): Promise<void>

  /**
   * Reserves a task that one process does for all that share the store, such as reading an observable gauge. Returns whether this
   * process may do it: no other one has reserved it, or its time `forMs` is over. So another process does the task if the first one
   * ended meanwhile. Without this method each process does it.
   */
  reserve?(task: string, forMs: number): Promise<boolean>

  /**
   * Returns what earlier processes of the same product left in other namespaces and this process may send. So no counts are
   * stranded when the time zone is changed or the PX address is corrected.
   */
  leftovers?(): Promise<LeftoverDays[]>

  /** Releases all files, connections and timers. Stored data stays. */
  close(): Promise<void>
}
