import type { AttributionStats, UsageDay } from '@px-usage/core'
import type { JunkReason } from '../logs/log-line.ts'

/** What a log has of one day, whichever calls were counted. Two logs with the same mark are the same log, plain or compressed. */
export interface DayMark {
  lines: number
  bytes: number
  /** Sum over all lines of a hash of time, status and length. It does not depend on their order. */
  checksum: number
}

/** What became of every line of the logs. */
export interface Reconciliation {
  lines: number
  junk: Record<JunkReason, number>
  /** The first lines of each reason. */
  readonly junkSamples: Array<{ readonly reason: JunkReason; readonly line: string }>
  /** Calls of a method or route that is not counted. */
  ignored: number
  /** Calls before `--from` or after `--to`. */
  outside: number
  /** Calls of a day that PX no longer keeps, or that is not over. */
  tooOld: number
  notOver: number
  withoutIdentity: AttributionStats['unattributed']
  counted: number
  /** Counted calls that matched no template. */
  unmatched: number
  /** Paths of such calls that were not refused with 404, with their number; the first 1,000 of them. */
  readonly unmatchedPaths: Map<string, number>
  readonly marks: Map<UsageDay, DayMark>
}

export function emptyReconciliation(): Reconciliation {
  return {
    lines: 0,
    junk: { layout: 0, time: 0, request: 0, status: 0, 'too long': 0, torn: 0 },
    junkSamples: [],
    ...{ ignored: 0, outside: 0, tooOld: 0, notOver: 0, counted: 0, unmatched: 0 },
    withoutIdentity: { anonymous: 0, invalid: 0, threw: 0, rejected: 0, timedOut: 0, overloaded: 0 },
    unmatchedPaths: new Map(),
    marks: new Map(),
  }
}

/** Returns the sum of some numbers by name. */
export function sumOf(numbers: Readonly<Record<string, number>>): number {
  return Object.values(numbers).reduce((sum, one) => sum + one, 0)
}

/** Returns whether every line is in exactly one class. */
export function addsUp(found: Reconciliation): boolean {
  const { lines, junk, ignored, outside, tooOld, notOver, withoutIdentity, counted } = found
  return lines === sumOf(junk) + ignored + outside + tooOld + notOver + sumOf(withoutIdentity) + counted
}
