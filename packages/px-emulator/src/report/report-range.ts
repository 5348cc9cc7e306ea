import type { EventShape } from '../columnar/event-table.ts'
import { PxError } from '../px-error.ts'
import { createDayNumberOf, dayNumber, dayText, nextPeriod, periodOf, type Scope } from './report-period.ts'
import type { ReportQuery, ReportSettings } from './report-query.ts'

/** Most and fewest days of a report without a range. */
const defaultDays = [90, 7] as const
const maxPeriods = 1_100

/**
 * Returns the first and last day of a report: those of the query, or those of the events.
 *
 * @throws {PxError} 400 for a range that ends before it begins
 */
export function dayRange(
  shapes: readonly EventShape[],
  { timeZone, from, to }: ReportQuery,
  { daysOf, nowMs }: ReportSettings,
): readonly [number, number] {
  let [oldest, newest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const shape of shapes) {
    const days = daysOf(shape, timeZone)
    for (let row = 0; row < shape.visible; row += 1) {
      const day = days.at(row)
      if (day < oldest) oldest = day
      if (day > newest) newest = day
    }
  }
  const today = createDayNumberOf(timeZone)(nowMs)
  const latest = newest === Number.NEGATIVE_INFINITY ? today : newest
  const last = to ? dayNumber(to) : Math.max(latest, from ? dayNumber(from) : latest)
  const [longest, shortest] = defaultDays.map((days) => last + 1 - days) as [number, number]
  const first = from ? dayNumber(from) : Math.max(longest, Math.min(oldest, shortest))
  if (first > last) throw new PxError(400, `${dayText(first)} is after ${dayText(last)}`)
  return [first, last]
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
