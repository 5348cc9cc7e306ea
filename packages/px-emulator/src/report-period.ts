import { PxError } from './px-error.ts'

export const scopes = ['Daily', 'Weekly', 'Monthly'] as const
export type Scope = (typeof scopes)[number]

const minuteMs = 60_000

/**
 * Answers which day, `2026-11-23`, an instant falls on in an IANA zone.
 *
 * Intl is slow and the dates of events repeat, so each minute is asked once: offsets of all zones are whole minutes since 1972.
 *
 * @throws {PxError} 400 for an unknown zone
 */
export function createDayOf(timeZone: string): (ms: number) => string {
  const format = dayFormat(timeZone)
  const days = new Map<number, string>()
  return (ms) => {
    const minute = Math.floor(ms / minuteMs)
    let day = days.get(minute)
    if (day === undefined) {
      day = format.format(minute * minuteMs)
      days.set(minute, day)
    }
    return day
  }
}

function dayFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    // Swedish writes a date as ISO 8601 does.
    return new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
  } catch {
    throw new PxError(400, `${JSON.stringify(timeZone)} is not a time zone such as Europe/Paris`)
  }
}

/** The first day of the day, week or month that a day is in. Weeks begin on Monday: how PX does it is not known. */
export function periodOf(day: string, scope: Scope): string {
  if (scope === 'Monthly') return `${day.slice(0, 8)}01`
  if (scope === 'Daily') return day
  const weekday = (new Date(`${day}T00:00Z`).getUTCDay() + 6) % 7
  return nextPeriod(day, 'Daily', -weekday)
}

/** The period that begins `steps` later. */
export function nextPeriod(period: string, scope: Scope, steps = 1): string {
  const date = new Date(`${period}T00:00Z`)
  if (scope === 'Monthly') date.setUTCMonth(date.getUTCMonth() + steps)
  else date.setUTCDate(date.getUTCDate() + steps * (scope === 'Weekly' ? 7 : 1))
  return date.toISOString().slice(0, 10)
}
