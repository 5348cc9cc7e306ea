import { drawChart, valueAt } from '../chart/draw-chart.js'
import { hidden } from '../chart/legend.js'
import { coverage, isPartial } from '../chart/partial-periods.js'
import { fetchControl } from '../fetch-control.js'
import { eventsInWords, numberInWords, periodName } from '../in-words.js'
import { plain } from '../plain-text.js'
import { element, fillTable } from '../table.js'
import { csv, longCsv } from './csv.js'
import { fileName } from './file-name.js'
import { hint } from './hint.js'
import { explainNoEvents } from './no-events.js'
import {
  chooseRange,
  dropFilters,
  field,
  hasFilter,
  isTotal,
  reportFilters,
  reportQuery,
  showRange,
  toggleFilter,
} from './query-form.js'
import { drawRanking } from './ranking.js'
import { namePicture } from './share.js'
import { drawTiles } from './tiles.js'
import { quantity, titleOf } from './title.js'

/** The view with the chart, the hint, and the table of the same numbers. */

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))

/** Number of lines of the ranking, and when all are wanted. */
const [someLines, manyLines] = [8, 200]
let rankedMost = someLines
/** @type {Record<string, string>} */
const urls = {}
let requests = 0

/** Loads the chosen report and shows it, unless the choice changed meanwhile. */
export async function drawReport() {
  requests += 1
  const mine = requests
  const query = reportQuery()
  showInAddress(query)
  byId('figure').setAttribute('aria-busy', 'true')
  const isBackwards = checkRange()
  const report = isBackwards
    ? new Error(isBackwards)
    : await fetchControl(`report?${query}`).catch((/** @type {Error} */ error) => error)
  if (mine !== requests) return
  byId('figure').removeAttribute('aria-busy')
  if (report instanceof TypeError) throw report
  const failed = report instanceof Error
  showText('failure', failed ? report.message : '')
  const isEmpty = !failed && report.events === 0
  for (const shown of ['figure', 'numbers']) byId(shown).hidden = failed || isEmpty
  byId('nothing').hidden = !isEmpty
  if (failed || isEmpty) for (const shown of ['hint', 'tiles', 'ranking']) byId(shown).hidden = true
  if (failed) return
  showRange(report)
  if (isEmpty) return showNothing(report)
  showReport(report)
  // The tiles come second, so that the chart does not wait for them.
  query.set('limit', String(rankedMost))
  const overview = await fetchControl(`overview?${query}`)
  if (mine === requests) showOverview(overview)
}

/** Returns what is wrong with From and To, and marks them. */
function checkRange() {
  const [from, to] = [field('from'), field('to')]
  const isWrong =
    field('days').value === 'custom' && from.value !== '' && to.value !== '' && from.value > to.value
  for (const input of [from, to]) input.setAttribute('aria-invalid', String(isWrong))
  return isWrong ? `From (${from.value}) is after To (${to.value}).` : ''
}

/** @param {any} report */
function showNothing(report) {
  explainNoEvents(byId('nothing'), report, {
    eventName: field('eventName').value,
    property: field('property').value,
    readsProperty: !field('property').disabled,
    hasFilters: reportFilters().length > 0,
    showAll(range) {
      chooseRange(range)
      changed()
    },
    removeFilters() {
      dropFilters()
      changed()
    },
  })
}

/** Draws again, as after a change of a control. */
function changed() {
  byId('query').dispatchEvent(new Event('change', { bubbles: true }))
}

/** @param {any} overview */
function showOverview(overview) {
  const by = field('by').value || 'accountId'
  const property = field('property').value
  const days = Math.round((Date.parse(overview.to) - Date.parse(overview.from)) / 86_400_000) + 1
  drawTiles(byId('tiles'), { ...overview, days }, property)
  byId('tiles').hidden = false
  drawRanking(byId('ranking'), overview, {
    by,
    property,
    chosen: (name) => hasFilter(by, name),
    choose(name) {
      toggleFilter(by, name)
      changed()
    },
    showAll,
  })
}

function showAll() {
  rankedMost = manyLines
  changed()
}

/** @param {URLSearchParams} query */
function showInAddress(query) {
  history.replaceState(null, '', `?${query}${location.hash}`)
}

/** @param {any} report */
function showReport(report) {
  const choice = {
    eventName: field('eventName').value,
    chosen: field('function').value,
    property: field('property').value,
    scope: field('scope').value,
    by: field('by').value,
    filters: reportFilters(),
    eventsPerUserDay: report.eventsPerUserDay,
  }
  const { chosen, scope } = choice
  const series = sorted(report.series, isTotal(chosen))
  const title = titleOf(choice)
  byId('title').textContent = title
  byId('subtitle').replaceChildren(...subtitle(report, chosen))
  showText('hint', hint(chosen, scope, report))
  showText('partial', partialInWords(report, scope))
  const redraw = () => {
    showInAddress(reportQuery())
    showReport(report)
  }
  drawChart(
    { ...report, series },
    { kind: field('chart').value, isTotal: isTotal(chosen), scope, unit: quantity(choice) },
    {
      toggle: redraw,
      openFolded() {
        showAll()
        byId('ranking').scrollIntoView()
      },
    },
  )
  showNumbers(report.periods, series, choice, title)
  const name = (/** @type {string} */ ending) => fileName(choice, report, ending)
  namePicture(name('.png'))
  byId('csv').download = name('.csv')
  byId('csv-long').download = name('-long.csv')
}

/**
 * @param {string[]} periods
 * @param {import('../chart/draw-chart.js').Line[]} series
 * @param {{ chosen: string, property: string, scope: string, by: string }} choice
 * @param {string} title
 */
function showNumbers(periods, series, choice, title) {
  const adds = isTotal(choice.chosen)
  const sum = (/** @type {(number | null | undefined)[]} */ values) =>
    values.reduce((/** @type {number} */ total, value) => total + (value ?? 0), 0)
  const hasTotals = adds && series.length > 1
  const names = series.map(({ name, folded }) => (folded === undefined ? name : `${folded} others`))
  const heads = [choice.scope === 'Daily' ? 'Day' : 'From', ...names, ...(hasTotals ? ['Total'] : [])]
  const rows = periods.map((period, at) => {
    const values = series.map((line) => line.values[at])
    return [period, ...values, ...(hasTotals ? [sum(values)] : [])]
  })
  const totals = series.map(({ values }) => sum(values))
  const total = adds ? { total: ['Total', ...totals, ...(hasTotals ? [sum(totals)] : [])] } : {}
  fillTable(byId('values'), { caption: title, heads, rows, ...total })
  link('csv', csv(heads, rows))
  const named = series.map(({ values }, at) => ({ name: names[at] ?? '', values }))
  link('csv-long', longCsv({ by: choice.by || 'event', quantity: quantity(choice) }, periods, named))
}

/**
 * @param {string} id
 * @param {string} text
 */
function link(id, text) {
  URL.revokeObjectURL(urls[id] ?? '')
  urls[id] = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  byId(id).href = urls[id]
}

/**
 * @param {string} id
 * @param {string} text
 */
function showText(id, text) {
  byId(id).textContent = text
  byId(id).hidden = text === ''
}

/**
 * The lines by the value that the legend shows, largest first; all others together come last.
 *
 * @param {import('../chart/draw-chart.js').Line[]} series
 * @param {boolean} isTotal
 */
function sorted(series, isTotal) {
  const rank = (/** @type {import('../chart/draw-chart.js').Line} */ line) =>
    line.folded === undefined
      ? (valueAt(line, null, isTotal) ?? Number.NEGATIVE_INFINITY)
      : Number.NEGATIVE_INFINITY
  return series.toSorted(
    (a, b) => Number(a.folded !== undefined) - Number(b.folded !== undefined) || rank(b) - rank(a),
  )
}

/**
 * Says which periods lack days, since half a week looks like a drop.
 *
 * @param {any} report
 * @param {string} scope
 */
function partialInWords(report, scope) {
  const partial = coverage(report, scope).flatMap((period, at) =>
    isPartial(period)
      ? `${periodName(report.periods[at], scope)} (${period.covered} of ${period.days} days)`
      : [],
  )
  return partial.length === 0 ? '' : `Not complete, and therefore hatched: ${partial.join(', ')}.`
}

/**
 * Returns the subtitle as parts, so that a narrow line breaks between them and not within one.
 *
 * @param {any} report
 * @param {string} chosen
 */
function subtitle({ events, from, to, series }, chosen) {
  const off = series.filter((/** @type {any} */ { name }) => series.length > 1 && hidden.has(name))
  const total = series
    .filter((/** @type {any} */ line) => !off.includes(line))
    .reduce((/** @type {number} */ sum, /** @type {any} */ line) => sum + (valueAt(line, null, true) ?? 0), 0)
  const names = off.map((/** @type {any} */ { name }) => plain(name)).join(', ')
  const parts = [
    `${eventsInWords(events)} of ${field('eventName').value}`,
    `${from} to ${to}`,
    `days in ${field('timeZone').value}`,
    ...(isTotal(chosen) ? [`${numberInWords(total)} in all${names === '' ? '' : ` without ${names}`}`] : []),
    ...(!isTotal(chosen) && names !== '' ? [`not shown: ${names}`] : []),
  ]
  return parts.flatMap((part, at) => [at === 0 ? '' : ', ', element('span', part)])
}
