import type { OutboxCounts, OutboxLine, RejectedLine, Settlement, WaitingLine } from './outbox-line.ts'
import type { SeriesTotal, UsageDay } from './series.ts'

/** The namespace of a store that a reader reads: one product, one address of PX and one time zone. */
export interface ReadNamespace {
  readonly product: string
  /** Host of PX and a digest of its address; it begins with `dry-run.` for counts that are never sent. */
  readonly destination: string
  readonly timeZone: string
}

/** A process that has counted on a day that is not closed. */
export interface DayWriter {
  readonly id: string
  readonly host: string | undefined
  /** `counting`: it may still add counts. `done`: it sealed the day or ended. `unseen`: this host cannot see whether it runs. */
  readonly state: 'counting' | 'done' | 'unseen'
  /** The last time that it is known to have run, epoch ms. */
  readonly seenAtMs: number | undefined
  /** Bytes of its journal; only for a folder. */
  readonly bytes: number | undefined
}

/** A day with counts that no closed day contains. */
export interface OpenDay {
  readonly day: UsageDay
  /** The revision that its next close will have: 0 unless the day was closed before. */
  readonly revision: number
  readonly writers: readonly DayWriter[]
}

/** The process that closes days and sends. */
export interface StoreSender {
  readonly id: string
  readonly host: string | undefined
  readonly state: 'alive' | 'dead' | 'unseen'
}

/** The lines of one day by state. */
export interface LinesOfDay {
  readonly day: UsageDay
  readonly pending: number
  readonly unconfirmed: number
  readonly rejected: number
  /** `undefined` if the store no longer knows the number. */
  readonly delivered: number | undefined
}

/** What is in the outbox. `counts` adds up: `closed = delivered + pending + unconfirmed + rejected`. */
export interface OutboxOverview {
  readonly counts: OutboxCounts
  readonly days: readonly LinesOfDay[]
}

/** A line of the outbox, or one that left it and that the store still has. */
export interface KnownLine extends OutboxLine {
  readonly state: Settlement['state']
}

/**
 * Reads one namespace of a store, also while a service uses it, and also when no service runs. It takes no lease, registers nowhere,
 * and creates, changes, moves and removes nothing.
 *
 * Every method rejects with `UsageError` `PXU_ERR_STORE_...` if the store cannot be read.
 */
export interface StoreReader {
  readonly namespace: ReadNamespace
  /** Where the namespace is: a path, or the prefix of keys. */
  readonly place: string
  openDays(): Promise<OpenDay[]>
  /** Returns how often a day was closed, like `Store.revisionOf()`. */
  revisionOf(day: UsageDay): Promise<number>
  /** What is counted of an open day. One series may come several times, each time with some of its values. */
  totals(day: UsageDay): AsyncIterable<SeriesTotal>
  sender(): Promise<StoreSender | undefined>
  outbox(): Promise<OutboxOverview>
  /** The lines of a day that the store still has, or of all days up to `last`. */
  lines(first: UsageDay, last?: UsageDay): AsyncIterable<KnownLine>
  /** The last day of which the store may lack delivered lines, because it keeps them for a limited time; `undefined` if there is none. */
  incompleteUpTo(): Promise<UsageDay | undefined>
  waiting(): AsyncIterable<WaitingLine>
  rejected(): AsyncIterable<RejectedLine>
  readNote(name: string): Promise<string | undefined>
}
