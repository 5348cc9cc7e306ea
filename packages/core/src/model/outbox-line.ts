import type { UsageDay } from './series.ts'

/** One frozen request to PX: made when its day closed (or at once for a real-time event), never changed afterwards. */
export interface OutboxLine {
  /** Deterministic: the same line made again after a crash has the same id (`rollupId` of an event). */
  readonly id: string
  readonly day: UsageDay
  readonly kind: 'event' | 'user' | 'account'
  /** Details are folded before totals when the daily request budget is short. */
  readonly rank: 'total' | 'detail'
  /** The JSON text to send. */
  readonly body: string
  /** Calls in this line, 0 where it counts none: for the loss accounting. */
  readonly calls: number
}

/** A line of the outbox that is neither delivered nor rejected. */
export interface WaitingLine extends OutboxLine {
  readonly state: 'pending' | 'unconfirmed'
}

/** A line that PX refused. It is kept as long as the store keeps anything, and never sent again. */
export interface RejectedLine extends OutboxLine {
  /** What PX returned. */
  readonly reason: string
  /** When it was refused, epoch ms; `undefined` if an earlier version of px-usage noted it. */
  readonly rejectedAtMs: number | undefined
}

/** A line that this process alone may send now. */
export interface ClaimedLine extends WaitingLine {
  /** Attempts recorded so far, by any process. */
  readonly attempts: number
  /** When the last attempt was recorded, epoch ms. */
  readonly attemptedAtMs: number | undefined
}

export interface Claim {
  lines: ClaimedLine[]
  /** How long until the next line falls due, if any waits. */
  nextDueInMs: number | undefined
  /** Another process sends the lines of this store now. */
  notLeader?: true
}

/** Waits are durations, by a clock that never steps: a wall clock that is put right neither holds lines nor hurries them. */
export type Settlement = { readonly id: string } & (
  | { readonly state: 'delivered' }
  /** Certainly not delivered; may be sent again after `waitMs`, at most an hour. */
  | { readonly state: 'pending'; readonly waitMs: number }
  /** To be looked up in PX after `waitMs`, before anything is sent again. A crash may lose the wait, never the time of the attempt. */
  | { readonly state: 'unconfirmed'; readonly waitMs: number }
  | { readonly state: 'rejected'; readonly reason: string }
)

/** Lines by state. At any moment `closed = delivered + pending + unconfirmed + rejected`. */
export interface OutboxCounts {
  closed: number
  delivered: number
  pending: number
  unconfirmed: number
  rejected: number
}
