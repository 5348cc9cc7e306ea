/** Everything an event or an audience holds is set as text, never as HTML. */

/**
 * @param {string} tag
 * @param {string} text
 * @param {string} [className]
 */
export function element(tag, text, className = '') {
  const made = document.createElement(tag)
  made.textContent = text
  made.className = className
  return made
}

/**
 * @param {HTMLTableElement} table
 * @param {string} caption
 * @param {string[]} heads
 * @param {unknown[][]} rows
 */
export function fillTable(table, caption, heads, rows) {
  const kind = (/** @type {number} */ column) =>
    rows.some((row) => typeof row[column] === 'number') ? 'number' : ''
  const head = document.createElement('tr')
  heads.forEach((text, column) => {
    const cell = element('th', text, kind(column))
    cell.setAttribute('scope', 'col')
    head.append(cell)
  })
  const body = document.createElement('tbody')
  for (const row of rows) {
    const line = document.createElement('tr')
    row.forEach((value, column) => {
      line.append(element('td', shown(value), kind(column)))
    })
    body.append(line)
  }
  const top = document.createElement('thead')
  top.append(head)
  table.replaceChildren(element('caption', caption), top, body)
}

/** @param {unknown} value */
function shown(value) {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return value.toLocaleString('en', { maximumFractionDigits: 2 })
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/**
 * New events come on top; those already there stay, so that an open one stays open.
 *
 * @param {HTMLUListElement} list
 * @param {{ eventId: string, eventName: string, identifyId: string, date: number }[]} events
 */
export function fillEvents(list, events) {
  const known = new Map(
    [...list.children].map((item) => [/** @type {HTMLElement} */ (item).dataset.id, item]),
  )
  list.replaceChildren(...events.map((event) => known.get(event.eventId) ?? eventItem(event)))
}

/** @param {{ eventId: string, eventName: string, identifyId: string, date: number }} event */
function eventItem(event) {
  const item = document.createElement('li')
  item.dataset.id = event.eventId
  const details = document.createElement('details')
  const date = new Date(event.date)
  const when = Number.isNaN(date.getTime()) ? String(event.date) : date.toISOString()
  details.append(
    element('summary', `${when}  ${event.eventName}  ${event.identifyId}`),
    element('pre', JSON.stringify(event, null, 2)),
  )
  item.append(details)
  return item
}

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
  // A spreadsheet would run a text that begins like a formula.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
