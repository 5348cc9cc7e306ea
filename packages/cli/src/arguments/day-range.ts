import { usageError } from '../exit-codes.ts'

/** Days from the first to the last, both included. */
export interface DayRange {
  readonly first: string
  readonly last: string
}

const dayMs = 86_400_000

/**
 * Parses `2026-11-23` or `2026-11-01..2026-11-23`.
 *
 * @throws {CommandError} with exit code 2 for anything else
 */
export function parseDayRange(text: string): DayRange {
  const [first = '', last = first, ...more] = text.split('..')
  const invalid = (why: string) =>
    usageError(`${JSON.stringify(text)} ${why}. Give a day such as 2026-11-23, or 2026-11-01..2026-11-23.`)
  if (more.length > 0 || !isDay(first) || !isDay(last)) throw invalid('is not a day or a range of days')
  if (first > last) throw invalid('ends before it begins')
  return { first, last }
}

/** Returns the days of a range, oldest first. */
export function daysIn({ first, last }: DayRange): string[] {
  const days: string[] = []
  for (let at = Date.parse(first); at <= Date.parse(last); at += dayMs) days.push(dayText(at))
  return days
}

/** Returns the day a number of days later, or earlier if it is negative. */
export function shiftDay(day: string, days: number): string {
  return dayText(Date.parse(day) + days * dayMs)
}

function isDay(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && dayText(Date.parse(text)) === text
  )
}

function dayText(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10)
}
