import { usageError } from '../exit-codes.ts'
import type { Settings } from '../settings.ts'

/** Returns whether Node.js knows a time zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** Returns the zone of the usage days by the settings. @throws {CommandError} with exit code 2 for one that does not exist */
export function zoneOf({ timeZone = 'UTC', from }: Pick<Settings, 'timeZone' | 'from'>): string {
  if (isTimeZone(timeZone)) return timeZone
  throw usageError(`${from.timeZone}: ${timeZone} is no time zone. Give one such as Europe/Berlin.`)
}
