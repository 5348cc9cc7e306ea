import type { UsageDay } from './series.ts'

/** One frozen request to PX. It is created when its day closes (at once for a real-time event) and never changes. */
export interface OutboxLine {
  /** Deterministic: a line that is created again after a crash has the same id (`rollupId` of an event). */
  readonly id: string
  readonly day: UsageDay
  readonly kind: 'event' | 'user' | 'account'
  /** Details are folded before totals when the daily request budget is short. */
  readonly rank: 'total' | 'detail'
  /** The JSON text to send. */
  readonly body: string
  /** Number of calls in this line, for the accounting of losses; 0 for a line that counts no calls. */
  readonly calls: number
}

/** A line of the outbox that is neither delivered nor rejected. */
export interface WaitingLine extends OutboxLine {
  readonly state: 'pending' | 'unconfirmed'
}

/** A line that PX refused. The store keeps it as long as it keeps anything, and sends it again only by an operator's command. */
export interface RejectedLine extends OutboxLine {
  /** What PX returned. */
  readonly reason: string
  /** When PX refused it, epoch ms; `undefined` if an earlier version of px-usage recorded it. */
  readonly rejectedAtMs: number | undefined
}

/** What an operator decided about lines that PX refused. */
export interface RejectedCommand {
  /** Names the command, so that it has its effect once although a crash makes it run again. */
  readonly id: string
  /** `redeliver`: send the lines again. `discard`: remove them from the rejected ones. */
  readonly kind: 'redeliver' | 'discard'
  /** Ids of the lines. Those that are not rejected are skipped. */
  readonly lines: readonly string[]
}

/** A line that only this process may send now. */
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

/**
 * What became of a claimed line. Waits are durations of a clock that never steps, so that a correction of the wall clock
 * neither delays lines nor makes them due too early.
 */
export type Settlement = { readonly id: string } & (
  | { readonly state: 'delivered' }
  /** PX does not have it. It may be sent again after `waitMs`, at most 3600000 ms (1 hour). */
  | { readonly state: 'pending'; readonly waitMs: number }
  /**
   * PX may have it. It is looked up in PX after `waitMs`, before anything is resent. A crash may lose the wait, never the
   * time of the attempt.
   */
  | { readonly state: 'unconfirmed'; readonly waitMs: number }
  | { readonly state: 'rejected'; readonly reason: string }
  /** An operator withdrew it before it was sent. It is removed, and `closed` no longer counts it. */
  | { readonly state: 'withdrawn' }
)

/** Lines by state. At any moment `closed = delivered + pending + unconfirmed + rejected`. */
export interface OutboxCounts {
  closed: number
  delivered: number
  pending: number
  unconfirmed: number
  rejected: number
}
