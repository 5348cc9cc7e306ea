import type { Properties, PropertyValue } from './series.ts'

/** Returns the same entries for the same names and values in any order. */
export function sortedEntries(properties: Properties): Array<[string, PropertyValue]> {
  return Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1))
}
