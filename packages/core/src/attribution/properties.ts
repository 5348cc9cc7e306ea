import type { Properties, PropertyValue } from '../store/store.ts'

/** PX takes up to 50 properties and 1,024 characters (px-api, limits of custom events); the rollups add a dozen. */
const maxProperties = 36
const maxLength = 1_024

/** Names that the rollups write themselves. Compared without case: PX's papers disagree on whether case counts. */
const reserved: ReadonlySet<string> = new Set(
  [
    'timestamp',
    'apiCalls',
    'clientErrors',
    'serverErrors',
    'aborted',
    'method',
    'endpoint',
    'day',
    'timeZone',
    'rollupId',
    'revision',
  ].map((name) => name.toLowerCase()),
)

const none: Properties = Object.freeze({})

/**
 * The part of an app's properties that PX can keep: flat strings, finite numbers and booleans under names that differ in
 * more than case. The rest is left out.
 */
export function usableProperties(given: unknown): Properties {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return none
  const usable: Record<string, PropertyValue> = {}
  const names = new Set(reserved)
  for (const [name, value] of Object.entries(given)) {
    const folded = name.toLowerCase()
    if (names.size - reserved.size >= maxProperties) break
    if (name === '' || name === '__proto__' || name.length > maxLength || names.has(folded)) continue
    if (!isUsableValue(value)) continue
    names.add(folded)
    usable[name] = value
  }
  return usable
}

function isUsableValue(value: unknown): value is PropertyValue {
  if (typeof value === 'string') return value.length <= maxLength && value.isWellFormed()
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
}
