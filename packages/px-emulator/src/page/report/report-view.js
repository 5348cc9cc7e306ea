import { fetchControl } from '../fetch-control.js'
import { eventsInWords } from '../in-words.js'
import { element, fillTable } from '../table.js'
import { csv } from './csv.js'
import { drawChart } from './draw-chart.js'
import { hint } from './hint.js'
import { field, isTotal, reportQuery } from './query-form.js'

/** The view with the chart, the hint, and the table of the same numbers. */

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))

let csvUrl = ''
let requests = 0

/** Loads the chosen report and shows it, unless the choice changed meanwhile. */
export async function drawReport() {
  requests += 1
  const mine = requests
  const query = reportQuery()
  history.replaceState(null, '', `?${query}${location.hash}`)
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

/** @param {any} report */
function showReport(report) {
  const [chosen, scope] = [field('function').value, field('scope').value]
  const name = field('function').selectedOptions[0].text
  const of = ['Count', 'Users'].includes(chosen) ? '' : ` of ${field('property').value}`
  const title = `${name}${of}, ${scope.toLowerCase()}`
  byId('title').textContent = title
  byId('subtitle').replaceChildren(...subtitle(report, chosen))
  const text = hint(chosen, scope, report)
  byId('hint').textContent = text
  byId('hint').hidden = text === ''
  drawChart(byId('chart'), byId('legend'), report, {
    kind: field('chart').value,
    isTotal: isTotal(chosen),
    scope,
  })
  /** @type {string[]} */
  const heads = [
    scope === 'Daily' ? 'Day' : 'From',
    ...report.series.map((/** @type {any} */ line) => line.name),
  ]
  const rows = report.periods.map((/** @type {string} */ period, /** @type {number} */ at) => [
    period,
    ...report.series.map((/** @type {any} */ line) => line.values[at]),
  ])
  fillTable(byId('values'), title, heads, rows)
  URL.revokeObjectURL(csvUrl)
  csvUrl = URL.createObjectURL(new Blob([csv(heads, rows)], { type: 'text/csv' }))
  byId('csv').href = csvUrl
}

/**
 * Returns the subtitle as parts, so that a narrow line breaks between them and not within one.
 *
 * @param {any} report
 * @param {string} chosen
 */
function subtitle({ events, from, to, series }, chosen) {
  const values = series.flatMap((/** @type {any} */ line) => line.values)
  const total = values.reduce((/** @type {number} */ sum, /** @type {number} */ value) => sum + value, 0)
  const parts = [
    `${eventsInWords(events)} of ${field('eventName').value}`,
    `${from} to ${to}`,
    `days in ${field('timeZone').value}`,
    ...(isTotal(chosen) ? [`${total.toLocaleString('en', { maximumFractionDigits: 2 })} in all`] : []),
  ]
  return parts.flatMap((part, at) => [at === 0 ? '' : ', ', element('span', part)])
}
