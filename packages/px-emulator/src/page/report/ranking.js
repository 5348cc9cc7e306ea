import { numberInWords } from '../in-words.js'
import { element } from '../table.js'
import { change } from './tiles.js'
import { fieldInWords, inWords } from './title.js'

/** @typedef {{ name: string, value: number, before: number, trend: number[] }} RankedLine */
/** @typedef {{ by: string, property: string, chosen: (name: string) => boolean, choose: (name: string) => void, showAll: () => void }} RankingActions */

const [width, height] = [96, 22]

/**
 * Shows the largest accounts, or the largest values of another breakdown, with their trends. A click filters by one.
 *
 * @param {HTMLElement} place
 * @param {{ ranking: RankedLine[], lines: number, before: object | null }} overview
 * @param {RankingActions} actions
 */
export function drawRanking(place, { ranking, lines, before }, actions) {
  const { by, property } = actions
  const field = fieldInWords(by)
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.line
  const rows = ranking.map((line) => rankedRow(line, before !== null, actions))
  const head = document.createElement('tr')
  for (const [text, kind] of [
    [field.charAt(0).toUpperCase() + field.slice(1), ''],
    [inWords(property), 'number'],
    ['Change', 'number'],
    ['Trend', ''],
  ]) {
    const cell = element('th', text ?? '', kind)
    cell.setAttribute('scope', 'col')
    head.append(cell)
  }
  const [top, body, table] = ['thead', 'tbody', 'table'].map((tag) => document.createElement(tag))
  top?.append(head)
  body?.append(...rows)
  table?.append(/** @type {Node} */ (top), /** @type {Node} */ (body))
  const wide = element('div', '', 'wide')
  wide.append(/** @type {Node} */ (table))
  const title = element(
    'h2',
    `Top ${/y$/.test(field) ? `${field.slice(0, -1)}ie` : field}s by ${inWords(property)}`,
  )
  const parts = [title, element('p', `Choose one to filter the page by it.`, 'quiet'), wide]
  if (lines > ranking.length) {
    const all = element('button', `Show all ${lines.toLocaleString('en')}`)
    all.setAttribute('type', 'button')
    all.dataset.line = ''
    all.addEventListener('click', actions.showAll)
    parts.push(all)
  }
  place.hidden = ranking.length === 0
  place.replaceChildren(...parts)
  // The list is built again whenever an event arrives. The keyboard focus stays where it was.
  if (focused !== undefined) {
    const buttons = [...place.querySelectorAll('button')]
    buttons.find(({ dataset }) => dataset.line === focused)?.focus()
  }
}

/**
 * @param {RankedLine} line
 * @param {boolean} isCompared
 * @param {RankingActions} actions
 */
function rankedRow({ name, value, before, trend }, isCompared, { chosen, choose }) {
  const button = element('button', name, 'cell')
  button.setAttribute('type', 'button')
  button.setAttribute('aria-pressed', String(chosen(name)))
  button.title = button.textContent ?? ''
  button.dataset.line = name
  button.addEventListener('click', () => choose(name))
  const row = document.createElement('tr')
  const [first, last] = [document.createElement('td'), document.createElement('td')]
  first.append(button)
  last.append(trendLine(trend))
  row.append(
    first,
    element('td', numberInWords(value), 'number'),
    element('td', isCompared ? change(value, before) : '', 'number'),
    last,
  )
  return row
}

/** @param {number[]} values */
function trendLine(values) {
  const most = Math.max(...values, 1)
  const step = width / Math.max(1, values.length - 1)
  const points = values.map(
    (value, at) => `${(at * step).toFixed(1)},${(height - 1 - (value / most) * (height - 2)).toFixed(1)}`,
  )
  const svg = svgElement('svg', { width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' })
  svg.append(
    svgElement('polyline', {
      points: points.join(' '),
      fill: 'none',
      stroke: 'currentColor',
      'stroke-width': 1.5,
    }),
  )
  return svg
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 */
function svgElement(tag, attributes) {
  const created = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, String(value))
  return created
}
