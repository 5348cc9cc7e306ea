import type { SentLine } from './comparison.ts'

/** A line of the record, and its day. */
export interface RecordedLine extends SentLine {
  readonly day: string
}

/** The record of what was sent. It can be read several times. */
export interface SentRecord {
  /** Where it is, for people. */
  readonly place: string
  /** The number of lines of each day that has a record. */
  countByDay(): Promise<ReadonlyMap<string, number>>
  /** Yields the lines of some days. */
  lines(days: ReadonlySet<string>): AsyncIterable<RecordedLine>
}
