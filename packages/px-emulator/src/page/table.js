import { plain } from './plain-text.js'

/** Builds page elements. Values of events and members are set as text, never as HTML. */

/**
 * @param {string} tag
 * @param {string} text
 * @param {string} [className]
 */
export function element(tag, text, className = '') {
  const created = document.createElement(tag)
  created.textContent = plain(text)
  created.className = className
  return created
}

/**
 * Fills a table. On a narrow screen, a table of more than two columns is stacked: each value below the other, with its heading.
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
    const cell = element('th', '', kinds[column])
    cell.append(...breakable(text))
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
  // A table that is wider than the page is scrolled by keyboard only where the place around it can have the focus.
  if (table.parentElement !== null) table.parentElement.tabIndex = 0
  table.classList.toggle('stacked', heads.length > 2)
  table.replaceChildren(element('caption', caption), top, body)
}

/**
 * Allows a line break after each part of a path, and not within a word.
 *
 * @param {string} text
 */
function breakable(text) {
  return text
    .split(/(?<=[/._-])/)
    .flatMap((part, at) => (at === 0 ? part : [document.createElement('wbr'), part]))
}

/** @param {unknown} value */
function shown(value) {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return value.toLocaleString('en', { maximumFractionDigits: 2 })
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
