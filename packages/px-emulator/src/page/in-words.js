/** @param {number} count */
export function eventsInWords(count) {
  return count === 1 ? '1 event' : `${count.toLocaleString('en')} events`
}

/**
 * Formats a day for the axis of a chart.
 *
 * @param {string | undefined} day
 * @param {string} scope
 */
export function dayLabel(day, scope) {
  if (day === undefined) return ''
  return inWords(
    day,
    scope === 'Monthly' ? { month: 'short', year: 'numeric' } : { month: 'short', day: 'numeric' },
  )
}

/**
 * @param {string} day
 * @param {string} scope
 */
export function periodName(day, scope) {
  if (scope === 'Monthly') return inWords(day, { month: 'long', year: 'numeric' })
  if (scope === 'Weekly') return `Week from ${inWords(day, { dateStyle: 'medium' })}`
  return inWords(day, { weekday: 'short', year: 'numeric', month: 'short', day: 'numeric' })
}

/**
 * @param {string} day
 * @param {Intl.DateTimeFormatOptions} how
 */
function inWords(day, how) {
  return new Date(day).toLocaleDateString('en', { ...how, timeZone: 'UTC' })
}

/**
 * Formats a number, with at most two decimals; nothing for a missing one.
 *
 * @param {number | null} value
 */
export function numberInWords(value) {
  return value === null ? '' : value.toLocaleString('en', { maximumFractionDigits: 2 })
}
