import { usageError } from '../exit-codes.ts'

/** Returns a usage day. @throws {CommandError} with exit code 2 for anything else, such as 2026-02-30 */
export function parseDay(given: string): string {
  const epochMs = Date.parse(`${given}T00:00:00Z`)
  const isDay = /^\d{4}-\d\d-\d\d$/.test(given) && !Number.isNaN(epochMs)
  if (isDay && new Date(epochMs).toISOString().startsWith(given)) return given
  throw usageError(`${given} is not a day. Give one such as 2026-11-23.`)
}

/** Returns the value of `--limit`. @throws {CommandError} with exit code 2 */
export function parseLimit(given: string): number {
  const limit = Number(given)
  if (/^\d+$/.test(given) && Number.isSafeInteger(limit)) return limit
  throw usageError(`--limit ${given} is not a whole number.`)
}

/** Collects the values of an option that may be repeated. */
export function repeated(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}
