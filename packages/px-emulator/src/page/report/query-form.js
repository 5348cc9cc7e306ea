import { fetchControl } from '../fetch-control.js'
import { addFilter, chosenFilters } from './filters.js'

/** The form of a chart: its choices, filled from the catalog and the address, and the query that results. */

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))
const form = byId('query')
export const field = (/** @type {string} */ name) => form.elements.namedItem(name)

/** Parameters of the address that have not been applied yet. */
const wanted = new URLSearchParams(location.search)
/** @type {import('../fetch-control.js').Catalog} */
let catalog

/**
 * @param {string} name
 * @param {[value: string, text: string][]} options
 * @param {string} [preferred]
 */
function fillSelect(name, options, preferred = '') {
  const select = field(name)
  const isSame =
    options.length === select.length && options.every(([value], at) => select.options[at]?.value === value)
  const has = (/** @type {string | null} */ value) => options.some(([each]) => each === value)
  const requested = wanted.get(name)
  const chosen = [requested, select.value, preferred].find((value) => has(value ?? null))
  if (!isSame) select.replaceChildren(...options.map(([value, text]) => new Option(text, value)))
  if (chosen !== undefined) select.value = chosen
  if (has(requested)) wanted.delete(name)
}

const same = (/** @type {string} */ name) => /** @type {[string, string]} */ ([name, name])

function knownFields() {
  const event = catalog.names.find(({ name }) => name === field('eventName').value)
  /** @type {[string, string][]} */
  const groups = [['accountId', 'Account'], ['identifyId', 'User'], ...(event?.groups ?? []).map(same)]
  const numbers = (event?.numbers ?? []).filter((name) => name !== 'timestamp').map(same)
  return { numbers, all: [...groups, ...numbers] }
}

/** @param {import('../fetch-control.js').Catalog} found */
export function offerChoices(found) {
  catalog = found
  fillSelect(
    'eventName',
    catalog.names.map(({ name }) => same(name)),
    'dailyApiCalls',
  )
  const { numbers, all } = knownFields()
  fillSelect('property', numbers, 'apiCalls')
  fillSelect('by', [['', 'Nothing'], ...all])
}

/** Applies the parameters of the address to the form. */
export function chooseFromAddress() {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  const zones = [...new Set([catalog.timeZone, 'UTC', here, ...Intl.supportedValuesOf('timeZone')])]
  fillSelect('timeZone', zones.map(same), catalog.timeZone)
  for (const name of ['function', 'scope', 'from', 'to']) {
    const value = wanted.get(name)
    if (value !== null) field(name).value = value
  }
  for (const name of ['function', 'scope']) if (field(name).value === '') field(name).selectedIndex = 0
  chooseUsualChart()
  if (['bar', 'line'].includes(wanted.get('chart') ?? '')) field('chart').value = wanted.get('chart')
  for (const text of wanted.getAll('filter')) {
    try {
      const [name, operator, value] = JSON.parse(text)
      filterRow([name, operator, operator === '~' ? value.replace(/^\*|\*$/g, '') : value])
    } catch {
      // The address may be written by hand. A malformed filter is ignored instead of breaking the page.
    }
  }
  markBlanks()
}

/**
 * Updates the other choices after one changed.
 *
 * @param {EventTarget | null} changed
 */
export function followChoice(changed) {
  offerChoices(catalog)
  if (changed === field('function')) chooseUsualChart()
  markBlanks()
}

/** Whether the values of this function can be added. */
export function isTotal(/** @type {string} */ chosen) {
  return chosen === 'Sum' || chosen === 'Count'
}

/** Totals are shown as stacked bars, other functions as lines, because an average has no parts to stack. */
function chooseUsualChart() {
  field('chart').value = isTotal(field('function').value) ? 'bar' : 'line'
}

/** Marks dates that are not set, so that the style can dim their placeholder. */
function markBlanks() {
  for (const name of ['from', 'to']) field(name).classList.toggle('blank', field(name).value === '')
}

function filterRow(/** @type {[string, string, string] | undefined} */ chosen = undefined) {
  const valuesOf = (/** @type {string} */ name) =>
    fetchControl(`values?${new URLSearchParams({ eventName: field('eventName').value, field: name })}`)
  addFilter(byId('filters'), knownFields().all, valuesOf, chosen)
}

/** The current choices as query parameters, for the address and for the emulator. */
export function reportQuery() {
  const query = new URLSearchParams(/** @type {any} */ (new FormData(form)))
  for (const [name, value] of [...query]) if (value === '') query.delete(name)
  for (const [name, operator, value] of chosenFilters(byId('filters'))) {
    query.append('filter', JSON.stringify([name, operator, operator === '~' ? `*${value}*` : value]))
  }
  return query
}

form.addEventListener('submit', (/** @type {Event} */ event) => event.preventDefault())
byId('add-filter').addEventListener('click', () => filterRow())
