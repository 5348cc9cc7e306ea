/**
 * @param {string[]} heads
 * @param {unknown[][]} rows
 */
export function csv(heads, rows) {
  return [heads, ...rows].map((row) => row.map(csvCell).join(',')).join('\r\n')
}

/**
 * One row for each line and period, as pivot tables and databases read it.
 *
 * @param {{ by: string, quantity: string }} names the headings of the line and of its value
 * @param {string[]} periods
 * @param {{ name: string, values: (number | null)[] }[]} series
 */
export function longCsv({ by, quantity }, periods, series) {
  const rows = series.flatMap(({ name, values }) => periods.map((period, at) => [period, name, values[at]]))
  return csv(['period', by, quantity], rows)
}

/** @param {unknown} value */
function csvCell(value) {
  const text = String(value ?? '')
  // A spreadsheet runs a text that begins like a formula, so such a text gets a quote in front.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
