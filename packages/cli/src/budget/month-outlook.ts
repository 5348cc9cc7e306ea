import { daysIn } from '../arguments/day-range.ts'
import { forecast } from './forecast.ts'

/** The events of one name, or of all, in this month and the next. */
export interface MonthOutlook {
  readonly eventName: string
  /** Events of this month that PX has, up to the last closed day. */
  readonly soFar: number
  /** Events of the whole month: those so far, and a forecast of the days to come. */
  readonly thisMonth: number
  readonly nextMonth: number
}

/**
 * Joins the counts of past days and a forecast of the others into months.
 *
 * @param dayList the days of the counts, oldest first, up to the last one that is closed
 */
export function monthOutlook(
  eventName: string,
  dayList: readonly string[],
  counts: readonly number[],
): MonthOutlook {
  const last = dayList.at(-1) as string
  // Days before the first event say nothing about growth: px-usage may not have run yet.
  const first = Math.max(
    0,
    counts.findIndex((count) => count > 0),
  )
  const history = dayList.map((day, at) => ({ day: numberOf(day), events: counts[at] ?? 0 })).slice(first)
  const expect = forecast(history)
  const known = new Map(dayList.map((day, at) => [day, counts[at] ?? 0]))
  const expected = (days: readonly string[]) =>
    Math.round(days.reduce((sum, day) => sum + (known.get(day) ?? expect(numberOf(day))), 0))
  const thisMonth = monthOf(last, 0)
  return {
    eventName,
    soFar: thisMonth.reduce((sum, day) => sum + (known.get(day) ?? 0), 0),
    thisMonth: expected(thisMonth),
    nextMonth: expected(monthOf(last, 1)),
  }
}

/** Returns the days of the month of a day, or of a later month. */
function monthOf(day: string, later: number): string[] {
  const [year = 0, month = 0] = day.split('-').map(Number)
  const at = (shift: number, date: number) =>
    new Date(Date.UTC(year, month - 1 + shift, date)).toISOString().slice(0, 10)
  return daysIn({ first: at(later, 1), last: at(later + 1, 0) })
}

function numberOf(day: string): number {
  return Date.parse(day) / 86_400_000
}
