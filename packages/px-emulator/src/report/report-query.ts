import type { EventShape } from '../columnar/event-table.ts'
import type { Condition } from '../query/filter.ts'
import type { Scope } from './report-period.ts'

export const reportFunctions = ['Sum', 'Average', 'Count', 'Min', 'Max', 'Users'] as const
export type ReportFunction = (typeof reportFunctions)[number]

export interface ReportQuery {
  eventName: string
  /** The attribute that Sum, Average, Min and Max read, in any case; events without a number in it do not take part. */
  property: string
  function: ReportFunction
  scope: Scope
  /** IANA zone in which days begin. */
  timeZone: string
  /** First day, `2026-11-01`. @default the day of the oldest event, if that makes 7 to 90 days */
  from?: string
  /** Last day, included. @default the day of the newest event */
  to?: string
  /** One line per value of this: `identifyId`, `accountId` or an attribute. */
  by?: string
  /** Conditions that an event must meet, all of them. */
  filters?: readonly Condition[]
}

/** What a report needs to know beside the events. */
export interface ReportSettings {
  nowMs: number
  weekStart: 'monday' | 'sunday'
  averagePer: 'event' | 'userDay'
  numericStrings: 'ignore' | 'count'
  /** The day of each row of a shape in a zone. @throws {PxError} 400 for an unknown zone */
  daysOf(shape: EventShape, timeZone: string): { at(row: number): number }
}
