import { plain } from '../plain-text.js'
import { element } from '../table.js'

/** The names of the lines that are switched off. @type {Set<string>} */
export const hidden = new Set()

/** @typedef {{ name: string, folded?: number }} Line */
/** @typedef {{ toggle: () => void, isolate: (at: number | null) => void, openFolded: () => void }} LegendActions */

/**
 * Shows one button for each line. A chart of one line has no legend.
 *
 * @param {HTMLElement} legend
 * @param {Line[]} series
 * @param {string[]} colours
 * @param {LegendActions} actions
 */
export function fillLegend(legend, series, colours, actions) {
  legend.hidden = series.length < 2
  const buttons = legend.querySelectorAll('button')
  const names = series.map(nameInLegend)
  const isSame = buttons.length === names.length && names.every((name, at) => buttons[at]?.title === name)
  // Buttons with the same names are kept, because a new button would lose the keyboard focus.
  if (!isSame) legend.replaceChildren(...series.map((line, at) => legendItem(line, at, actions)))
  legend.querySelectorAll('button').forEach((button, at) => {
    button.style.setProperty('--colour', colours[at] ?? '')
    const { name = '', folded } = series[at] ?? {}
    if (folded === undefined) button.setAttribute('aria-pressed', String(!hidden.has(name)))
  })
}

/**
 * Shows the value of each line, in the same order.
 *
 * @param {HTMLElement} legend
 * @param {string[]} values
 */
export function fillLegendValues(legend, values) {
  legend.querySelectorAll('.value').forEach((value, at) => {
    value.textContent = values[at] ?? ''
  })
}

/**
 * The name of a line. That of the others is in words, so that it cannot be taken for a user called "(16 more)".
 *
 * @param {Line} line
 */
export function nameInLegend({ name, folded }) {
  return folded === undefined ? plain(name) : `${folded.toLocaleString('en')} smaller lines together`
}

/**
 * @param {Line} line
 * @param {number} at
 * @param {LegendActions} actions
 */
function legendItem(line, at, { toggle, isolate, openFolded }) {
  const button = document.createElement('button')
  button.append(element('span', nameInLegend(line), 'name'), element('span', '', 'value'))
  button.type = 'button'
  button.title = nameInLegend(line)
  button.addEventListener('click', () => {
    if (line.folded !== undefined) return openFolded()
    if (!hidden.delete(line.name)) hidden.add(line.name)
    button.setAttribute('aria-pressed', String(!hidden.has(line.name)))
    toggle()
  })
  for (const type of ['pointerenter', 'focus']) button.addEventListener(type, () => isolate(at))
  for (const type of ['pointerleave', 'blur']) button.addEventListener(type, () => isolate(null))
  const item = document.createElement('li')
  item.className = line.folded === undefined ? '' : 'folded'
  item.append(button)
  return item
}
