import { dayLabel, periodName } from '../in-words.js'
import { coloursOf } from './chart-colours.js'
import { fillLegend, hidden } from './legend.js'

/** @typedef {{ periods: string[], series: { name: string, values: (number | null)[] }[] }} Drawn */
/** @typedef {{ kind: 'bar' | 'line', isTotal: boolean, scope: string }} Look */

/** @type {any} */
let chart

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} legend
 * @param {Drawn} report
 * @param {Look} look
 */
export function drawChart(canvas, legend, { periods, series }, look) {
  const { kind } = look
  const colours = coloursOf(series.map(({ name }) => name))
  const datasets = series.map(({ name, values }, at) => ({
    label: name,
    data: values,
    hidden: series.length > 1 && hidden.has(name),
    backgroundColor: colours[at],
    hoverBackgroundColor: colours[at],
    borderColor: colours[at],
    borderWidth: kind === 'bar' ? 0 : 2,
    borderRadius: 2,
    maxBarThickness: 56,
    pointRadius: periods.length > 45 ? 0 : 3,
    pointHitRadius: 8,
    spanGaps: true,
    // A dashed segment marks periods without a value.
    segment: {
      borderDash: (/** @type {any} */ { p0DataIndex, p1DataIndex }) =>
        p1DataIndex - p0DataIndex > 1 ? [3, 4] : undefined,
    },
  }))
  const data = { labels: periods, datasets }
  const options = chartOptions(canvas, periods, series, look)
  if (chart?.config.type === kind) {
    chart.data = data
    chart.options = options
    chart.update('none')
  } else {
    chart?.destroy()
    const { Chart } = /** @type {any} */ (globalThis)
    Chart.defaults.font.family = getComputedStyle(canvas).fontFamily
    chart = new Chart(canvas, { type: kind, data, options })
  }
  fillLegend(legend, series, colours, (at, shown) => {
    chart.setDatasetVisibility(at, shown)
    chart.update('none')
  })
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {string[]} periods
 * @param {Drawn['series']} series
 * @param {Look} look
 */
function chartOptions(canvas, periods, series, { kind, isTotal, scope }) {
  const { color: text, backgroundColor: card, borderTopColor: line } = getComputedStyle(canvas)
  const { color: strong } = getComputedStyle(document.body)
  const axis = { stacked: kind === 'bar' && isTotal, border: { color: line } }
  const ticks = { color: text, maxRotation: 0, autoSkipPadding: 16 }
  const isWhole = series.every(({ values }) => values.every((value) => Number.isInteger(value ?? 0)))
  const number = (/** @type {number} */ value) => value.toLocaleString('en', { maximumFractionDigits: 2 })
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
        ticks: { ...ticks, ...(isWhole ? { precision: 0 } : {}) },
      },
    },
    plugins: {
      legend: { display: false },
      tooltip: {
        backgroundColor: card,
        borderColor: line,
        borderWidth: 1,
        titleColor: strong,
        bodyColor: strong,
        footerColor: strong,
        multiKeyBackground: card,
        padding: 10,
        boxPadding: 4,
        caretPadding: 8,
        // Zeros are left out: a tooltip of ten lines for each of 90 days would cover the chart.
        filter: (/** @type {any} */ item) => item.raw !== null && (item.raw !== 0 || series.length === 1),
        itemSort: (/** @type {any} */ a, /** @type {any} */ b) => b.raw - a.raw,
        callbacks: {
          title: (/** @type {any[]} */ [item]) => (item ? periodName(item.label, scope) : ''),
          label: (/** @type {any} */ item) => `${shortened(item.dataset.label)}: ${number(item.raw)}`,
          footer: (/** @type {any[]} */ items) =>
            isTotal && items.length > 1
              ? `Together: ${number(items.reduce((sum, { raw }) => sum + raw, 0))}`
              : '',
        },
      },
    },
  }
}

/** @param {string} text */
function shortened(text) {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}
