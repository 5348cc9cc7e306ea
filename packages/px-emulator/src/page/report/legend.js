import { element } from '../table.js'

/** The names of the lines that are switched off. @type {Set<string>} */
export const hidden = new Set()

/**
 * Shows one button for each line. A chart of one line has no legend.
 *
 * @param {HTMLElement} legend
 * @param {{ name: string }[]} series
 * @param {string[]} colours
 * @param {(at: number, shown: boolean) => void} toggle
 */
export function fillLegend(legend, series, colours, toggle) {
  legend.hidden = series.length < 2
  const buttons = legend.querySelectorAll('button')
  const isSame =
    buttons.length === series.length && series.every(({ name }, at) => buttons[at]?.title === name)
  // Buttons with the same names are kept, because a new button would lose the keyboard focus.
  if (!isSame) legend.replaceChildren(...series.map(({ name }, at) => legendItem(name, at, toggle)))
  legend.querySelectorAll('button').forEach((button, at) => {
    button.style.setProperty('--colour', colours[at] ?? '')
    button.setAttribute('aria-pressed', String(!hidden.has(button.title)))
  })
}

/**
 * @param {string} name
 * @param {number} at
 * @param {(at: number, shown: boolean) => void} toggle
 */
function legendItem(name, at, toggle) {
  const button = document.createElement('button')
  button.append(element('span', name))
  button.type = 'button'
  button.title = name
  button.addEventListener('click', () => {
    if (!hidden.delete(name)) hidden.add(name)
    button.setAttribute('aria-pressed', String(!hidden.has(name)))
    toggle(at, !hidden.has(name))
  })
  const item = document.createElement('li')
  item.append(button)
  return item
}
