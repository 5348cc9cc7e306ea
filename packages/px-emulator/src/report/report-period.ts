import { PxError } from '../px-error.ts'

export const scopes = ['Daily', 'Weekly', 'Monthly'] as const
export type Scope = (typeof scopes)[number]

const dayMs = 86_400_000
const slotMs = 15 * 60_000

/**
 * Returns a function that maps an instant to its day in an IANA zone, as the number of days since 1970-01-01.
 *
 * Intl is slow and many events share an hour, so each quarter of an hour is computed once. Offsets and their changes have been
 * whole quarters of an hour for decades.
 *
 * @throws {PxError} 400 for an unknown zone
 */
export function createDayNumberOf(timeZone: string): (ms: number) => number {
  const format = dayFormat(timeZone)
  const days = new Map<number, number>()
  return (ms) => {
    const slot = Math.floor(ms / slotMs)
    let day = days.get(slot)
    if (day === undefined) {
      const parts = format.formatToParts(slot * slotMs)
      const part = (type: string) => Number(parts.find((found) => found.type === type)?.value)
      const date = new Date(0)
      date.setUTCFullYear(part('year'), part('month') - 1, part('day'))
      day = Math.floor(date.getTime() / dayMs)
      days.set(slot, day)
    }
    return day
  }
}

/** Returns the zone. @throws {PxError} 400 for an unknown one */
export function checkZone(timeZone: string): string {
  dayFormat(timeZone)
  return timeZone
}

function dayFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-u-ca-iso8601-nu-latn', {
      timeZone,
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
    })
  } catch {
    throw new PxError(400, `${JSON.stringify(timeZone)} is not an IANA time zone such as Europe/Paris`)
  }
}

/** `2026-11-23` as the number of days since 1970-01-01. @throws {PxError} 400 */
export function dayNumber(day: string): number {
  const ms = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(day) : Number.NaN
  if (Number.isNaN(ms)) throw new PxError(400, `${JSON.stringify(day)} is not a day such as 2026-11-23`)
  return ms / dayMs
}

/** A number of days since 1970-01-01 as `2026-11-23`. */
export function dayText(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10)
}

/** Returns the first day of the period that contains a day. It is not known on which day PX starts a week. */
export function periodOf(day: number, scope: Scope, weekStart: 'monday' | 'sunday'): number {
  if (scope === 'Daily') return day
  if (scope === 'Monthly') return day - new Date(day * dayMs).getUTCDate() + 1
  // 1970-01-01 was a Thursday.
  return day - modulo(day + (weekStart === 'monday' ? 3 : 4), 7)
}

/** Returns the first day of the next period. */
export function nextPeriod(period: number, scope: Scope): number {
  if (scope === 'Daily') return period + 1
  if (scope === 'Weekly') return period + 7
  return periodOf(period + 31, 'Monthly', 'monday')
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
