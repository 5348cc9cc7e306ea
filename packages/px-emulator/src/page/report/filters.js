import { plain } from '../plain-text.js'
import { element } from '../table.js'

const operators = [
  ['is', '=='],
  ['is not', '!='],
  ['contains', '~'],
  ['at least', '>='],
  ['at most', '<='],
]
let created = 0

/**
 * Adds a filter row. A row without a chosen filter gets the keyboard focus.
 *
 * @param {HTMLElement} place
 * @param {[value: string, text: string][]} fields
 * @param {(field: string) => Promise<string[]>} valuesOf
 * @param {[field: string, operator: string, value: string]} [chosen]
 */
export function addFilter(place, fields, valuesOf, chosen) {
  created += 1
  const row = element('div', '', 'filter')
  const field = /** @type {HTMLSelectElement} */ (document.createElement('select'))
  field.append(...fields.map(([value, text]) => new Option(plain(text), value)))
  const operator = /** @type {HTMLSelectElement} */ (document.createElement('select'))
  operator.append(...operators.map(([text, value]) => new Option(text, value)))
  const value = document.createElement('input')
  const list = document.createElement('datalist')
  list.id = `values-${created}`
  value.setAttribute('list', list.id)
  value.autocomplete = 'off'
  field.setAttribute('aria-label', 'Filter by')
  operator.setAttribute('aria-label', 'Filter how')
  value.setAttribute('aria-label', 'Filter value')
  if (chosen !== undefined) [field.value, operator.value, value.value] = chosen
  const remove = /** @type {HTMLButtonElement} */ (element('button', 'Remove'))
  remove.type = 'button'
  remove.setAttribute('aria-label', 'Remove filter')
  remove.addEventListener('click', () => {
    row.remove()
    place.dispatchEvent(new Event('change', { bubbles: true }))
  })
  const suggest = async () => {
    const values = await valuesOf(field.value)
    list.replaceChildren(...values.map((each) => new Option(each)))
    // Without an example a filter on account names that are ids looks like a filter that finds nothing.
    value.placeholder =
      values.length === 0 ? 'no values yet' : `such as ${values.slice(0, 2).map(plain).join(' or ')}`
  }
  field.addEventListener('change', suggest)
  row.append(field, operator, value, list, remove)
  place.append(row)
  suggest().catch(() => {})
  if (chosen === undefined) field.focus()
}

/** @typedef {[field: string, operator: string, value: string]} ChosenFilter */

/**
 * Returns the conditions of the rows that have a value, in the form that the report accepts.
 *
 * @param {HTMLElement} place
 * @returns {ChosenFilter[]}
 */
export function chosenFilters(place) {
  return [...place.querySelectorAll('.filter')].map(filterOf).filter(([, , value]) => value !== '')
}

/**
 * Removes the rows of these conditions.
 *
 * @param {HTMLElement} place
 * @param {(filter: ChosenFilter) => boolean} isMeant
 */
export function removeFilters(place, isMeant) {
  for (const row of [...place.querySelectorAll('.filter')]) if (isMeant(filterOf(row))) row.remove()
}

/** @param {Element} row @returns {ChosenFilter} */
function filterOf(row) {
  const [field = '', operator = ''] = [...row.querySelectorAll('select')].map(({ value }) => value)
  return [field, operator, row.querySelector('input')?.value ?? '']
}
