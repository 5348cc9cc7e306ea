import type { EventShape } from '../columnar/event-table.ts'
import type { Condition } from '../query/filter.ts'
import type { Scope } from './report-period.ts'

export const reportFunctions = ['Sum', 'Average', 'Count', 'Min', 'Max', 'Users'] as const
export type ReportFunction = (typeof reportFunctions)[number]

export interface ReportQuery {
  eventName: string
  /** The attribute that Sum, Average, Min and Max read, compared without case. Events without a number in it are left out. */
  property: string
  function: ReportFunction
  scope: Scope
  /** IANA zone of the days. */
  timeZone: string
  /** First day, `2026-11-01`. @default `days` up to the last day */
  from?: string
  /** Number of days, without `from`. @default those since the oldest event, but at least 7 and at most 90 */
  days?: number
  /** Last day, included. @default the day of the newest event */
  to?: string
  /** Field whose values become lines: `identifyId`, `accountId` or an attribute. */
  by?: string
  /** Conditions that an event must all meet. */
  filters?: readonly Condition[]
}

/** Settings and state that a report reads besides the events. */
export interface ReportSettings {
  nowMs: number
  weekStart: 'monday' | 'sunday'
  averagePer: 'event' | 'userDay'
  numericStrings: 'ignore' | 'count'
  /** The day of each row of a shape in a zone. @throws {PxError} 400 for an unknown zone */
  daysOf(shape: EventShape, timeZone: string): { at(row: number): number }
}
