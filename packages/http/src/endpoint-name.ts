import { createHash } from 'node:crypto'

/** The longest value of a property that PX takes safely (px-api, limits of custom events). */
const maxLength = 1_024
const headLength = 900

/** A route name that fits an event: one that is too long, or that no JSON can carry, gets a short form that is always the same. */
export function usableName(name: string): string {
  if (name.length <= maxLength && name.isWellFormed()) return name
  const digest = createHash('sha256').update(Buffer.from(name, 'utf16le')).digest('hex')
  return `${name.slice(0, headLength).toWellFormed()}~${digest}`
}
