/**
 * @param {string[]} heads
 * @param {unknown[][]} rows
 */
export function csv(heads, rows) {
  return [heads, ...rows].map((row) => row.map(csvCell).join(',')).join('\r\n')
}

/** @param {unknown} value */
function csvCell(value) {
  const text = String(value ?? '')
  // A spreadsheet runs a text that begins like a formula, so such a text gets a quote in front.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
