import { createHash } from 'node:crypto'

/** The longest value of a property, in characters, that PX is known to accept (limits of its custom events). */
const maxLength = 1_024
const headLength = 900

/**
 * Returns a route name that PX accepts as a property value. A name over 1,024 characters, or with a lone surrogate that JSON cannot
 * carry, becomes its first 900 characters and a hash. The same name always gets the same short form.
 */
export function usableName(name: string): string {
  if (name.length <= maxLength && name.isWellFormed()) return name
  const digest = createHash('sha256').update(Buffer.from(name, 'utf16le')).digest('hex')
  return `${name.slice(0, headLength).toWellFormed()}~${digest}`
}
