import { createHash } from 'node:crypto'
import { maxTextLength } from '@px-usage/core/adapter'

const headLength = 900

/**
 * Returns a route name that PX accepts as a property value. A name that is longer than `maxTextLength`, or has a lone surrogate that
 * JSON cannot carry, becomes its first 900 characters and a hash. The same name always gets the same short form.
 */
export function usableName(name: string): string {
  if (name.length <= maxTextLength && name.isWellFormed()) return name
  const digest = createHash('sha256').update(Buffer.from(name, 'utf16le')).digest('hex')
  return `${name.slice(0, headLength).toWellFormed()}~${digest}`
}
