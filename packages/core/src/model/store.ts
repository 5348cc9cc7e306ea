import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { Claim, OutboxCounts, OutboxLine, RejectedLine, Settlement, WaitingLine } from './outbox-line.ts'
import type { CountBatch, SeriesTotal, UsageDay } from './series.ts'

export type DayClose =
  /** This process closed it: the lines are in the outbox. Revision 0 is the first close; later ones carry late counts only. */
  | { readonly outcome: 'closed'; readonly revision: number; readonly lines: number; readonly calls: number }
  /** A writer of the day is alive and has not sealed it. */
  | { readonly outcome: 'waiting'; readonly writers: number }
  /** Another process closes the days of this store now, or there is nothing to close. */
  | { readonly outcome: 'elsewhere' | 'empty' }

/**
 * Turns the totals of a day into its lines. Pure and deterministic: after a crash it is simply run again. The totals may be
 * gone through more than once; one series may come several times, with a part of its values each time.
 */
export type MakeLines = (totals: AsyncIterable<SeriesTotal>, revision: number) => AsyncIterable<OutboxLine>

/**
 * Whose counts they are. A store that several meters share keeps those of different namespaces and zones apart: each meter
 * sees, closes and sends its own only.
 */
export interface Namespace {
  /** `''` for a meter without one: a dry run, or a test with a `delivery` of its own. */
  readonly productKey: string
  /** Address of PX; `''` without a product key. */
  readonly baseUrl: string
  /** Whether the counts are never to be sent; `false` without a product key, as no product can receive them. */
  readonly dryRun: boolean
}

export interface StoreContext {
  clock: Clock
  diagnostics: Diagnostics
  timeZone: string
  /** Left out, the store is not shared between namespaces. */
  namespace?: Namespace | undefined
}

/** What earlier processes left in a namespace that no living process counts in: the zone or the PX address was changed. */
export interface LeftoverDays {
  /** PX address and zone, for messages; the same each time. */
  readonly name: string
  readonly timeZone: string
  /** A store of its own for them, not open yet. To be opened without a `namespace`. */
  readonly store: Store
}

/**
 * Where day totals and unsent lines live: memory, file, Redis.
 *
 * Timing. The meter calls `open` until it resolves, and does not wait for it before it counts: `add` may come earlier, every other
 * method waits for `open`. Calls of one method never overlap from one meter. Whatever may fail because of the world
 * outside (disk, network) rejects with `UsageError` `PXU_ERR_STORE_UNAVAILABLE` and has changed nothing that a repetition
 * would change twice. No method blocks the event loop for more than a few milliseconds.
 */
export interface Store {
  readonly name: string
  /** Whether counts and lines outlive the process. If not, `close()` of the meter closes the open day and sends it. */
  readonly durable: boolean
  /** Where a durable store keeps them, as the app named it: for messages. */
  readonly place?: string
  /**
   * How long the meter may keep counts before it hands them over; 0 means to the end of the event-loop turn. May change
   * from one time to the next.
   */
  readonly flushAfterMs: number

  open(context: StoreContext): Promise<void>

  /**
   * Takes a batch. Answering (or resolving) means: stored as safely as this store does. After a throw or a rejection the
   * meter offers the same batch again before any other one of its day; a sequence that was taken before is not counted twice.
   */
  add(batch: CountBatch): void | Promise<void>

  /** This writer is done with the day. A batch that comes later all the same is kept, and becomes a revision. */
  seal(day: UsageDay): Promise<void>

  /** Days that have counts not yet closed, oldest first. */
  openDays(): Promise<UsageDay[]>

  /** What all writers have stored of an open day so far. One series may come several times, with a part of its values. */
  totals(day: UsageDay): AsyncIterable<SeriesTotal>

  /**
   * Closes a day if all its writers have sealed it or died: rolls it up into the outbox, as one step. One process wins.
   *
   * `force` does not wait for writers that are alive (their later counts become a revision).
   */
  closeDay(day: UsageDay, makeLines: MakeLines, options?: { force?: boolean }): Promise<DayClose>

  /**
   * Puts lines that belong to no closed day in the outbox. A line whose id is in the outbox, or was put lately, is not
   * put twice.
   */
  put(lines: readonly OutboxLine[]): Promise<void>

  /**
   * Up to `limit` lines that are due and nobody else sends, oldest day first and totals before details. While another
   * process sends, there are none, and `nextDueInMs` says when to ask again.
   */
  claim(limit: number): Promise<Claim>

  /** Records, as durably as the store does, that these claimed lines are about to be sent. Must resolve before the request starts. */
  markAttempts(ids: readonly string[], atMs: number): Promise<void>

  /** Records what became of claimed lines, and gives them back. A line attempted and never settled becomes `unconfirmed`. */
  settle(settlements: readonly Settlement[]): Promise<void>

  /** Lines that wait to be sent or looked up, as whoever sends them left them. Changes nothing. */
  waiting(): AsyncIterable<WaitingLine>

  /** Lines that PX refused, by any process that shares the store. Changes nothing. */
  rejected(): AsyncIterable<RejectedLine>

  outboxCounts(): OutboxCounts

  /**
   * Whether this process sends the lines of the store, or takes that over now. Then `outboxCounts()` has the lines of all
   * processes that share it.
   */
  isSender(): Promise<boolean>

  /**
   * This process cannot send lines now: its key is refused, PX cannot be reached from here, or it runs dry. Called now and then
   * while this lasts, when nothing is claimed. If it is the one that sends, and another process asks to, that one takes over.
   */
  cannotSend?(): Promise<void>

  /** Small facts that must survive a restart, such as the requests spent today. */
  readNote(name: string): Promise<string | undefined>
  writeNote(name: string, value: string): Promise<void>
  /** Puts a note aside whose value is not what was written, and reports it. */
  discardNote(name: string): Promise<void>

  /**
   * What earlier processes of the same product left in other namespaces that may be sent from here, so that a change of the zone
   * or a corrected PX address strands nothing.
   */
  leftovers?(): Promise<LeftoverDays[]>

  /** Lets go of everything. Stored data stays. */
  close(): Promise<void>
}
