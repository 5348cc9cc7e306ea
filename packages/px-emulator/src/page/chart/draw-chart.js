import { dayLabel, numberInWords } from '../in-words.js'
import { coloursOf } from './chart-colours.js'
import { hatch } from './hatch.js'
import { fillLegend, fillLegendValues, hidden, nameInLegend } from './legend.js'
import { coverage, isPartial } from './partial-periods.js'
import { choosePeriod, readPeriod, setReadable } from './reading.js'

/** @typedef {{ name: string, values: (number | null)[], folded?: number }} Line */
/** @typedef {{ periods: string[], from: string, to: string, oldest: string | null, newest: string | null, series: Line[] }} Drawn */
/** @typedef {{ kind: 'bar' | 'line', isTotal: boolean, scope: string, unit: string }} Look */
/** @typedef {{ toggle: () => void, openFolded: () => void }} ChartActions */

const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById('chart'))
const legend = /** @type {HTMLElement} */ (document.getElementById('legend'))
/** @type {any} */
let chart
/** The place of the line that is shown alone. @type {number | null} */
let isolated = null

/**
 * @param {Drawn} report
 * @param {Look} look
 * @param {ChartActions} actions
 */
export function drawChart(report, look, actions) {
  const { periods, series } = report
  const covered = coverage(report, look.scope)
  const colours = coloursOf(series.map(({ name }) => name))
  const data = {
    labels: periods,
    datasets: series.map((_, at) => dataset(series, at, colours, covered, look)),
  }
  const options = chartOptions(periods, series, look)
  if (chart?.config.type === look.kind) {
    chart.data = data
    chart.options = options
    chart.update('none')
  } else {
    chart?.destroy()
    const { Chart } = /** @type {any} */ (globalThis)
    Chart.defaults.font.family = getComputedStyle(canvas).fontFamily
    chart = new Chart(canvas, { type: look.kind, data, options, plugins: [band] })
  }
  fillLegend(legend, series, colours, { ...actions, isolate })
  const shown = (/** @type {number | null} */ at) => series.map((line) => valueAt(line, at, look.isTotal))
  setReadable({
    periods,
    covered,
    scope: look.scope,
    textAt: (at) => readingOf(series, shown(at), look),
    show(at) {
      fillLegendValues(legend, shown(at).map(numberInWords))
      chart.draw()
    },
  })
}

/**
 * The value of a line in a period or, if it can be added, in the whole range. The newest value stands for a range of averages.
 *
 * @param {Line} line
 * @param {number | null} at
 * @param {boolean} isTotal
 */
export function valueAt({ values }, at, isTotal) {
  if (at !== null) return values[at] ?? null
  if (!isTotal) return values.findLast((value) => value !== null) ?? null
  return values.reduce((/** @type {number} */ sum, value) => sum + (value ?? 0), 0)
}

/**
 * @param {Line[]} series
 * @param {(number | null)[]} values
 * @param {Look} look
 */
function readingOf(series, values, { isTotal, unit }) {
  if (series.length === 0) return 'no events'
  if (!isTotal) {
    return series.length === 1
      ? `${numberInWords(values[0] ?? null) || 'no value'}`
      : series
          .flatMap((line, at) =>
            hidden.has(line.name) ? [] : `${nameInLegend(line)} ${numberInWords(values[at] ?? null) || '-'}`,
          )
          .join(', ')
  }
  const sum = values.reduce(
    (/** @type {number} */ total, value, at) =>
      total + (hidden.has(series[at]?.name ?? '') ? 0 : (value ?? 0)),
    0,
  )
  return `${numberInWords(sum)} ${unit}`
}

/**
 * @param {Line[]} series
 * @param {number} at
 * @param {string[]} colours
 * @param {{ covered: number, days: number }[]} covered
 * @param {Look} look
 */
function dataset(series, at, colours, covered, { kind }) {
  const { name, values } = /** @type {Line} */ (series[at])
  const colour = colours[at] ?? ''
  const partial = values.map((_, period) => isPartial(covered[period]))
  const stripes = partial.includes(true) ? hatch(colour) : colour
  const fills = partial.map((each) => (each ? stripes : colour))
  const hides = series
    .slice(0, at)
    .some((other) => other.values.every((value, each) => value === values[each]))
  return {
    label: name,
    data: values,
    hidden: series.length > 1 && hidden.has(name),
    colour,
    backgroundColor: kind === 'bar' ? fills : colour,
    hoverBackgroundColor: kind === 'bar' ? fills : colour,
    borderColor: colour,
    // A line with the same values as one below it is dashed, so that both colours are seen.
    borderDash: hides ? [6, 6] : [],
    borderWidth: kind === 'bar' ? 0 : 2.5,
    borderRadius: 2,
    maxBarThickness: 56,
    pointRadius: values.length > 45 ? 0 : 3,
    pointBackgroundColor: partial.map((each) => (each ? 'transparent' : colour)),
    pointHitRadius: 8,
    spanGaps: true,
    // A dashed segment marks periods without a value, and periods that are not complete.
    segment: {
      borderDash: (/** @type {any} */ { p0DataIndex, p1DataIndex }) =>
        p1DataIndex - p0DataIndex > 1 || partial[p0DataIndex] || partial[p1DataIndex] ? [3, 4] : undefined,
    },
  }
}

/**
 * Shows one line alone by fading the others, or all lines again.
 *
 * @param {number | null} at
 */
function isolate(at) {
  if (at === isolated) return
  isolated = at
  chart.draw()
}

/** Draws a band behind the period that is read, and fades the lines beside an isolated one. */
const band = {
  id: 'band',
  beforeDatasetsDraw(/** @type {any} */ { ctx, chartArea, scales }) {
    const at = readPeriod()
    if (at === null) return
    const centre = scales.x.getPixelForValue(at)
    const width = Math.max(
      2,
      chartArea.width / Math.max(1, scales.x.ticks.length === 1 ? 1 : scales.x.max - scales.x.min + 1),
    )
    ctx.save()
    ctx.fillStyle = getComputedStyle(canvas).borderLeftColor
    ctx.fillRect(centre - width / 2, chartArea.top, width, chartArea.height)
    ctx.restore()
  },
  beforeDatasetDraw(/** @type {any} */ { ctx }, /** @type {any} */ { index }) {
    ctx.save()
    if (isolated !== null && index !== isolated) ctx.globalAlpha = 0.15
  },
  afterDatasetDraw(/** @type {any} */ { ctx }) {
    ctx.restore()
  },
}

/**
 * @param {string[]} periods
 * @param {Drawn['series']} series
 * @param {Look} look
 */
function chartOptions(periods, series, { kind, isTotal, scope, unit }) {
  const { color: text, borderTopColor: line } = getComputedStyle(canvas)
  const axis = { stacked: kind === 'bar' && isTotal, border: { color: line } }
  const ticks = { color: text, maxRotation: 0, autoSkipPadding: 16 }
  const isWhole = series.every(({ values }) => values.every((value) => Number.isInteger(value ?? 0)))
  return {
    locale: 'en',
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: 'index', intersect: false },
    scales: {
      x: {
        ...axis,
        grid: { display: false },
        ticks: { ...ticks, callback: (/** @type {number} */ at) => dayLabel(periods[at], scope) },
      },
      y: {
        ...axis,
        beginAtZero: true,
        border: { display: false },
        grid: { color: line },
        title: { display: true, text: unit, color: text },
        ticks: { ...ticks, ...(isWhole ? { precision: 0 } : {}) },
      },
    },
    plugins: { legend: { display: false }, tooltip: { enabled: false } },
  }
}

for (const type of ['pointermove', 'pointerdown']) {
  canvas.addEventListener(type, (event) => {
    const { offsetX } = /** @type {PointerEvent} */ (event)
    const { left = 0, right = 0 } = chart?.chartArea ?? {}
    if (offsetX < left || offsetX > right) return choosePeriod(null)
    const at = Math.round(chart.scales.x.getValueForPixel(offsetX))
    if (at !== readPeriod()) choosePeriod(at)
  })
}
canvas.addEventListener('pointerleave', () => choosePeriod(null))
