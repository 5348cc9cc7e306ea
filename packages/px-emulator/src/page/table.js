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

/** @typedef {{ caption: string, heads: string[], rows: unknown[][], total?: unknown[] }} TableContent */
/** @typedef {{ content: TableContent, column: number, descending: boolean }} TableState */

/** @type {WeakMap<HTMLTableElement, TableState>} */
const states = new WeakMap()

/**
 * Fills a table, which each heading sorts by its column. On a narrow screen, a table of more than two columns is stacked: each value
 * below the other, with its heading.
 *
 * @param {HTMLTableElement} table
 * @param {TableContent} content
 */
export function fillTable(table, content) {
  const { heads } = content
  const known = states.get(table)
  const isSame = known?.content.heads.join('\n') === heads.join('\n')
  const state = isSame && known !== undefined ? known : { content, column: -1, descending: false }
  state.content = content
  states.set(table, state)
  // A table that is wider than the page is scrolled by keyboard only where the place around it can have the focus.
  if (table.parentElement !== null) table.parentElement.tabIndex = 0
  table.classList.toggle('stacked', heads.length > 2)
  if (isSame) {
    // The head is kept, because a new button would lose the keyboard focus.
    table.querySelector('caption')?.replaceChildren(plain(content.caption))
    table.querySelectorAll(':scope > tbody, :scope > tfoot').forEach((part) => void part.remove())
  } else {
    const head = document.createElement('tr')
    head.append(...heads.map((_, column) => headCell(table, state, column)))
    const top = document.createElement('thead')
    top.append(head)
    table.replaceChildren(element('caption', content.caption), top)
  }
  table.append(...filledRows(table, state))
}

/**
 * @param {HTMLTableElement} table
 * @param {TableState} state
 * @param {number} column
 */
function headCell(table, state, column) {
  const { heads, rows } = state.content
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'sort'
  button.append(...breakable(plain(heads[column] ?? '')))
  button.addEventListener('click', () => {
    // Numbers begin with the largest, texts with A.
    const first = isNumeric(state.content.rows, column)
    state.descending = state.column === column ? !state.descending : first
    state.column = column
    table.querySelectorAll(':scope > tbody, :scope > tfoot').forEach((part) => void part.remove())
    table.append(...filledRows(table, state))
  })
  const cell = element('th', '', isNumeric(rows, column) ? 'number' : '')
  cell.append(button)
  cell.setAttribute('scope', 'col')
  return cell
}

/**
 * @param {HTMLTableElement} table
 * @param {TableState} state
 */
function filledRows(table, { content: { heads, rows, total }, column, descending }) {
  const decimals = heads.map((_, at) =>
    rows.some((row) => typeof row[at] === 'number' && !Number.isInteger(row[at])) ? 2 : 0,
  )
  const direction = descending ? -1 : 1
  const ordered = column === -1 ? rows : rows.toSorted((a, b) => direction * compare(a[column], b[column]))
  table.querySelectorAll('thead th').forEach((cell, at) => {
    if (at !== column) cell.removeAttribute('aria-sort')
    else cell.setAttribute('aria-sort', descending ? 'descending' : 'ascending')
  })
  const line = (/** @type {unknown[]} */ row) => {
    const created = document.createElement('tr')
    row.forEach((value, at) => {
      const text = shown(value, decimals[at] ?? 0)
      const cell = element('td', '', isNumeric(rows, at) ? 'number' : '')
      cell.dataset.label = plain(heads[at] ?? '')
      if (text !== '') cell.append(element('span', text, 'cell'))
      cell.title = text.length > 30 ? plain(text) : ''
      created.append(cell)
    })
    return created
  }
  const body = document.createElement('tbody')
  body.append(...ordered.map(line))
  if (total === undefined) return [body]
  const foot = document.createElement('tfoot')
  foot.append(line(total))
  return [body, foot]
}

/**
 * @param {unknown[][]} rows
 * @param {number} column
 */
function isNumeric(rows, column) {
  return rows.some((row) => typeof row[column] === 'number')
}

/**
 * @param {unknown} a
 * @param {unknown} b
 */
function compare(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a ?? '').localeCompare(String(b ?? ''), 'en', { numeric: true })
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

/**
 * @param {unknown} value
 * @param {number} decimals
 */
function shown(value, decimals) {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') {
    return value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
