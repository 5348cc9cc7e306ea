import type { EventShape } from '../columnar/event-table.ts'
import { PxError } from '../px-error.ts'
import { createDayNumberOf, dayNumber, dayText, nextPeriod, periodOf, type Scope } from './report-period.ts'
import type { ReportQuery, ReportSettings } from './report-query.ts'

/** Most and fewest days of a report without a range. */
const defaultDays = [90, 7] as const
const maxPeriods = 1_100

/** Days, as numbers since 1970-01-01. */
export interface DayRange {
  first: number
  last: number
  /** The days of the oldest and of the newest event; absent without events. */
  oldest?: number
  newest?: number
}

/**
 * Returns the first and last day of a report: those of the query, or those of the events.
 *
 * @throws {PxError} 400 for a range that ends before it begins
 */
export function dayRange(
  shapes: readonly EventShape[],
  { timeZone, from, to, days: wanted }: ReportQuery,
  { daysOf, nowMs }: ReportSettings,
): DayRange {
  let [oldest, newest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const shape of shapes) {
    const days = daysOf(shape, timeZone)
    for (let row = 0; row < shape.visible; row += 1) {
      const day = days.at(row)
      if (day < oldest) oldest = day
      if (day > newest) newest = day
    }
  }
  const hasEvents = oldest <= newest
  const latest = hasEvents ? newest : createDayNumberOf(timeZone)(nowMs)
  const last = to ? dayNumber(to) : Math.max(latest, from ? dayNumber(from) : latest)
  const [longest, shortest] = defaultDays.map((days) => last + 1 - days) as [number, number]
  const usual = wanted === undefined ? Math.max(longest, Math.min(oldest, shortest)) : last + 1 - wanted
  const first = from ? dayNumber(from) : usual
  if (first > last) throw new PxError(400, `${dayText(first)} is after ${dayText(last)}`)
  return { first, last, ...(hasEvents ? { oldest, newest } : {}) }
}

/** Returns the first day of each period that overlaps a range of days. @throws {PxError} 400 for too many */
export function periodsBetween(
  from: number,
  to: number,
  scope: Scope,
  weekStart: 'monday' | 'sunday',
): number[] {
  const periods: number[] = []
  for (let period = periodOf(from, scope, weekStart); period <= to; period = nextPeriod(period, scope)) {
    periods.push(period)
    if (periods.length > maxPeriods)
      throw new PxError(
        400,
        `The range has more than ${maxPeriods} points. Choose a shorter range or a larger scope.`,
      )
  }
  return periods
}

/** Returns for each day of a range the number of its period. */
export function periodNumbers({ first, last }: DayRange, periods: readonly number[]): Uint32Array {
  const periodOfDay = new Uint32Array(last - first + 1)
  for (let day = 0, at = 0; day < periodOfDay.length; day += 1) {
    if (periods[at + 1]! <= first + day) at += 1
    periodOfDay[day] = at
  }
  return periodOfDay
}
