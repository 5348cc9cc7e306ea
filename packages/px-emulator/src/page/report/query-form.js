import { hidden } from '../chart/legend.js'
import { fetchControl } from '../fetch-control.js'
import { plain } from '../plain-text.js'
import { addFilter, chosenFilters, removeFilters } from './filters.js'

/** The form of a chart: its choices, filled from the catalog and the address, and the query that results. */

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))
const form = byId('query')
export const field = (/** @type {string} */ name) => form.elements.namedItem(name)

/** Parameters of the address that have not been applied yet. */
const wanted = new URLSearchParams(location.search)
/** @type {import('../fetch-control.js').Catalog} */
let catalog

/** @typedef {[value: string, text: string]} Choice */
/** @typedef {[label: string, choices: Choice[]]} ChoiceGroup */

/**
 * @param {string} name
 * @param {ChoiceGroup[]} groups those without a label are not grouped
 * @param {string} [preferred]
 */
function fillSelect(name, groups, preferred = '') {
  const select = field(name)
  const choices = groups.flatMap(([, each]) => each)
  const isSame =
    choices.length === select.length && choices.every(([value], at) => select.options[at]?.value === value)
  const has = (/** @type {string | null} */ value) => choices.some(([each]) => each === value)
  const requested = wanted.get(name)
  const chosen = [requested, select.value, preferred].find((value) => has(value ?? null))
  if (!isSame) select.replaceChildren(...groups.flatMap(optionsOf))
  if (chosen !== undefined) select.value = chosen
  if (has(requested)) wanted.delete(name)
}

/** @param {ChoiceGroup} group */
function optionsOf([label, choices]) {
  const options = choices.map(([value, text]) => new Option(plain(text), value))
  if (label === '' || options.length === 0) return options
  const group = document.createElement('optgroup')
  group.label = label
  group.append(...options)
  return [group]
}

const same = (/** @type {string} */ name) => /** @type {Choice} */ ([name, name])
/** Attributes by which a chart is broken down most often. */
const usualGroups = ['endpoint', 'method']
/** An id of each event has a line of its own for each event. */
const uselessGroups = ['rollupId', 'timestamp']

function knownFields() {
  const event = catalog.names.find(({ name }) => name === field('eventName').value)
  const groups = (event?.groups ?? []).filter((name) => !uselessGroups.includes(name))
  const usual = usualGroups.filter((name) => groups.includes(name))
  const numbers = (event?.numbers ?? []).filter((name) => !uselessGroups.includes(name)).map(same)
  /** @type {Choice[]} */
  const first = [
    ['accountId', 'Account'],
    ['identifyId', 'User'],
    ...usual.map((name) => /** @type {Choice} */ ([name, name.charAt(0).toUpperCase() + name.slice(1)])),
  ]
  const others = groups.filter((name) => !usual.includes(name)).map(same)
  return { numbers, first, others, all: [...first, ...others, ...numbers] }
}

/** @param {import('../fetch-control.js').Catalog} found */
export function offerChoices(found) {
  catalog = found
  fillSelect('eventName', [['', catalog.names.map(({ name }) => same(name))]], 'dailyApiCalls')
  const { numbers, first, others } = knownFields()
  fillSelect('property', [['', numbers]], 'apiCalls')
  fillSelect('by', [
    ['', [['', 'Nothing'], ...first]],
    ['Other attributes', others],
    ['Numbers', numbers],
  ])
  const zones = Intl.supportedValuesOf('timeZone')
  const ofEvents = [...new Set([catalog.timeZone, ...catalog.timeZones.filter(isZone)])]
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  const usual = [...new Set(['UTC', here])].filter((zone) => !ofEvents.includes(zone))
  fillSelect(
    'timeZone',
    [
      ['Of the events', ofEvents.map(same)],
      ['Usual', usual.map(same)],
      ['All', zones.filter((zone) => !ofEvents.includes(zone) && !usual.includes(zone)).map(same)],
    ],
    catalog.timeZone,
  )
  // These functions count events and users, whatever the property.
  field('property').disabled = ['Count', 'Users'].includes(field('function').value)
}

/** Whether the zone is one that the browser knows. An event may contain any text. */
function isZone(/** @type {string} */ zone) {
  try {
    return Intl.DateTimeFormat('en', { timeZone: zone }) !== undefined
  } catch {
    return false
  }
}

/** Applies the parameters of the address to the form. */
export function chooseFromAddress() {
  for (const name of ['function', 'scope', 'from', 'to']) {
    const value = wanted.get(name)
    if (value !== null) field(name).value = value
  }
  for (const name of ['function', 'scope']) if (field(name).value === '') field(name).selectedIndex = 0
  field('days').value = wanted.get('days') ?? (wanted.has('from') || wanted.has('to') ? 'custom' : '')
  if (field('days').selectedIndex === -1) field('days').value = ''
  for (const name of wanted.getAll('hide')) hidden.add(name)
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
  offerChoices(catalog)
}

/**
 * Updates the other choices after one changed.
 *
 * @param {EventTarget | null} changed
 */
export function followChoice(changed) {
  if (changed === field('from') || changed === field('to')) field('days').value = 'custom'
  if (changed === field('by')) hidden.clear()
  offerChoices(catalog)
  if (changed === field('function')) chooseUsualChart()
}

/**
 * Shows the range in force in From and To. The one that is being edited keeps what was typed.
 *
 * @param {{ from: string, to: string }} range
 */
export function showRange(range) {
  for (const name of /** @type {('from' | 'to')[]} */ (['from', 'to'])) {
    const input = field(name)
    const isOwn = field('days').value === 'custom' && input.value !== ''
    if (!isOwn && document.activeElement !== input) input.value = range[name]
  }
}

/**
 * Chooses a range of days.
 *
 * @param {{ from: string, to: string }} range
 */
export function chooseRange({ from, to }) {
  field('days').value = 'custom'
  field('from').value = from
  field('to').value = to
}

/** Whether the values of this function can be added. */
export function isTotal(/** @type {string} */ chosen) {
  return chosen === 'Sum' || chosen === 'Count'
}

/** Totals are shown as stacked bars, other functions as lines, because an average has no parts to stack. */
function chooseUsualChart() {
  field('chart').value = isTotal(field('function').value) ? 'bar' : 'line'
}

function filterRow(/** @type {[string, string, string] | undefined} */ chosen = undefined) {
  const valuesOf = (/** @type {string} */ name) =>
    fetchControl(`values?${new URLSearchParams({ eventName: field('eventName').value, field: name })}`)
  addFilter(byId('filters'), knownFields().all, valuesOf, chosen)
}

/** @returns {[field: string, operator: string, value: string][]} */
export function reportFilters() {
  return chosenFilters(byId('filters')).map(([name, operator, value]) => [
    name,
    operator,
    operator === '~' ? `*${value}*` : value,
  ])
}

/** The current choices as query parameters, for the address and for the emulator. */
export function reportQuery() {
  const query = new URLSearchParams(/** @type {any} */ (new FormData(form)))
  if (query.get('days') === 'custom') query.delete('days')
  else for (const name of ['from', 'to']) query.delete(name)
  for (const [name, value] of [...query]) if (value === '') query.delete(name)
  for (const filter of reportFilters()) query.append('filter', JSON.stringify(filter))
  for (const name of hidden) query.append('hide', name)
  return query
}

/** Whether the report is filtered by exactly this value. */
export function hasFilter(/** @type {string} */ name, /** @type {string} */ value) {
  return chosenFilters(byId('filters')).some(
    (each) => each[0] === name && each[1] === '==' && each[2] === value,
  )
}

/**
 * Filters by a value instead of another one of the same field, or no longer.
 *
 * @param {string} name
 * @param {string} value
 */
export function toggleFilter(name, value) {
  const had = hasFilter(name, value)
  dropFilters((each) => each[0] === name && each[1] === '==')
  if (!had) filterRow([name, '==', value])
}

/** Removes all filters, or the rows of some. */
export function dropFilters(
  /** @type {(filter: import('./filters.js').ChosenFilter) => boolean} */ isMeant = () => true,
) {
  removeFilters(byId('filters'), isMeant)
}

form.addEventListener('submit', (/** @type {Event} */ event) => event.preventDefault())
byId('add-filter').addEventListener('click', () => filterRow())

// On a phone the choices would fill the first screen, so they are folded there.
const narrow = matchMedia('(max-width: 40rem)')
const foldChoices = () => {
  byId('choices').open = !narrow.matches
}
narrow.addEventListener('change', foldChoices)
foldChoices()
