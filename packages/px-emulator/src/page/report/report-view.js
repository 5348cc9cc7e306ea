import { drawChart, valueAt } from '../chart/draw-chart.js'
import { hidden } from '../chart/legend.js'
import { coverage, isPartial } from '../chart/partial-periods.js'
import { fetchControl } from '../fetch-control.js'
import { eventsInWords, numberInWords, periodName } from '../in-words.js'
import { plain } from '../plain-text.js'
import { element, fillTable } from '../table.js'
import { csv } from './csv.js'
import { hint } from './hint.js'
import { field, isTotal, reportFilters, reportQuery, showRange } from './query-form.js'
import { quantity, titleOf } from './title.js'

/** The view with the chart, the hint, and the table of the same numbers. */

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))

let csvUrl = ''
let requests = 0

/** Loads the chosen report and shows it, unless the choice changed meanwhile. */
export async function drawReport() {
  requests += 1
  const mine = requests
  const query = reportQuery()
  showInAddress(query)
  byId('figure').setAttribute('aria-busy', 'true')
  const [from, to] = [field('from').value, field('to').value]
  const report =
    from !== '' && to !== '' && from > to
      ? new Error(`${from} is after ${to}`)
      : await fetchControl(`report?${query}`).catch((/** @type {Error} */ error) => error)
  if (mine !== requests) return
  byId('figure').removeAttribute('aria-busy')
  if (report instanceof TypeError) throw report
  const failed = report instanceof Error
  byId('failure').textContent = failed ? report.message : ''
  byId('failure').hidden = !failed
  for (const shown of ['figure', 'numbers']) byId(shown).hidden = failed
  if (failed) byId('hint').hidden = true
  else showReport(report)
}

/** @param {URLSearchParams} query */
function showInAddress(query) {
  history.replaceState(null, '', `?${query}${location.hash}`)
}

/** @param {any} report */
function showReport(report) {
  const choice = {
    chosen: field('function').value,
    property: field('property').value,
    scope: field('scope').value,
    by: field('by').value,
    filters: reportFilters(),
    eventsPerUserDay: report.eventsPerUserDay,
  }
  const { chosen, scope } = choice
  const series = sorted(report.series, isTotal(chosen))
  showRange(report)
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
    { toggle: redraw, openFolded: () => {} },
  )
  /** @type {string[]} */
  const heads = [scope === 'Daily' ? 'Day' : 'From', ...series.map((line) => line.name)]
  const rows = report.periods.map((/** @type {string} */ period, /** @type {number} */ at) => [
    period,
    ...series.map((line) => line.values[at]),
  ])
  fillTable(byId('values'), title, heads, rows)
  URL.revokeObjectURL(csvUrl)
  csvUrl = URL.createObjectURL(new Blob([csv(heads, rows)], { type: 'text/csv' }))
  byId('csv').href = csvUrl
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
