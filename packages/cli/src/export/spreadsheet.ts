import { stringify } from 'csv-stringify/sync'
import { failedError } from '../exit-codes.ts'
import type { ExportedEvent } from './exported-events.ts'
import type { TextTarget } from './text-target.ts'

/** Attributes that repeat a column. */
const repeated: readonly string[] = ['day', 'timestamp']
const columns = ['Day', 'Event', 'User', 'Account', 'Date (UTC)', 'State'] as const

/** Finds the attributes of events, one column each. */
export function createColumns(): { see(event: ExportedEvent): void; names(): string[] } {
  const names = new Set<string>()
  return {
    see({ fields }) {
      for (const name of Object.keys(fields.attributes ?? {})) if (!repeated.includes(name)) names.add(name)
    },
    names: () => [...names],
  }
}

/**
 * Writes events as the rows of a spreadsheet.
 *
 * @param names the attributes with a column
 */
export function createSpreadsheet(
  target: TextTarget,
  names: readonly string[],
): { add(event: ExportedEvent): void } {
  const known = new Set([...repeated, ...names])
  // Excel reads a file without a byte order mark in the code page of the machine, and garbles names.
  target.write('\ufeff')
  target.write(rowOf([...columns, ...names]))
  return {
    add({ day, state, fields }) {
      const { eventName, identifyId, accountId, date, attributes = {} } = fields
      if (Object.keys(attributes).some((name) => !known.has(name)))
        throw failedError('The events changed while they were read. Run the export again.')
      const when =
        typeof date === 'number' ? new Date(date).toISOString().slice(0, 19).replace('T', ' ') : date
      target.write(
        rowOf([day, eventName, identifyId, accountId, when, state, ...names.map((name) => attributes[name])]),
      )
    },
  }
}

/** A text that begins with `=`, `+`, `-` or `@` would be a formula, and a user can choose such an id. It gets a `'` in front. */
function rowOf(cells: readonly unknown[]): string {
  return stringify([cells], { escape_formulas: true, cast: { boolean: String }, quoted_match: /\r/ })
}
