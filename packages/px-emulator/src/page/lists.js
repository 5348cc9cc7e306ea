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
 * On a narrow screen a table of more than two columns is stacked, each value below the other with its name.
 *
 * @param {HTMLTableElement} table
 * @param {string} caption
 * @param {string[]} heads
 * @param {unknown[][]} rows
 */
export function fillTable(table, caption, heads, rows) {
  const kinds = heads.map((_, column) =>
    rows.some((row) => typeof row[column] === 'number') ? 'number' : '',
  )
  const head = document.createElement('tr')
  heads.forEach((text, column) => {
    const cell = element('th', text, kinds[column])
    cell.setAttribute('scope', 'col')
    head.append(cell)
  })
  const body = document.createElement('tbody')
  for (const row of rows) {
    const line = document.createElement('tr')
    row.forEach((value, column) => {
      const cell = element('td', shown(value), kinds[column])
      cell.dataset.label = heads[column]
      line.append(cell)
    })
    body.append(line)
  }
  const top = document.createElement('thead')
  top.append(head)
  table.classList.toggle('stacked', heads.length > 2)
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
 * @param {{ place: number, receivedMs: number, event: any }[]} events
 */
export function fillEvents(list, events) {
  const known = new Map(
    [...list.children].map((item) => [/** @type {HTMLElement} */ (item).dataset.id, item]),
  )
  list.replaceChildren(...events.map((each) => known.get(keyOf(each)) ?? eventItem(each)))
}

/**
 * A sender may give two events the same id, and after a reset the places begin anew.
 *
 * @param {{ place: number, event: any }} each
 */
function keyOf({ place, event }) {
  return `${place} ${event.eventId}`
}

/** @param {{ place: number, receivedMs: number, event: any }} each */
function eventItem({ place, receivedMs, event }) {
  const item = document.createElement('li')
  item.dataset.id = keyOf({ place, event })
  const summary = document.createElement('summary')
  summary.append(
    element('span', instant(event.date), 'when'),
    element('span', event.eventName, 'what'),
    element('span', [event.identifyId, event.accountId].filter(Boolean).join(' · '), 'who'),
  )
  const details = document.createElement('details')
  const body = element('pre', JSON.stringify(event, null, 2))
  body.tabIndex = 0
  details.append(summary, element('p', `Received ${instant(receivedMs)}`, 'quiet'), body)
  item.append(details)
  return item
}

/** @param {number} ms */
function instant(ms) {
  return new Date(ms).toISOString().replace('T', ' ').replace('.000Z', ' UTC').replace('Z', ' UTC')
}

const maxAttributeColumns = 8

/**
 * @param {HTMLTableElement} table
 * @param {string} caption
 * @param {[head: string, field: string][]} own
 * @param {any[]} members
 */
export function fillMembers(table, caption, own, members) {
  const names = new Set(members.flatMap(({ customAttributes }) => Object.keys(customAttributes ?? {})))
  const shownNames = [...names].slice(0, maxAttributeColumns)
  const heads = [...own.map(([head]) => head), ...shownNames]
  const rows = members.map((member) => [
    ...own.map(([, field]) => member[field]),
    ...shownNames.map((name) => member.customAttributes?.[name]),
  ])
  const left = names.size - shownNames.length
  fillTable(table, left > 0 ? `${caption}, ${left} more attributes` : caption, heads, rows)
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
