const colours = [
  '#3b6fe0',
  '#e0803b',
  '#2fa37c',
  '#b657c9',
  '#c9a227',
  '#4bb3d1',
  '#d1506b',
  '#7d8b3a',
  '#8a6f5c',
  '#8b93a1',
]

/** @type {any} */
let chart

/**
 * Totals are stacked bars, other functions are lines: an average has no parts.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{ periods: string[], series: { name: string, values: (number | null)[] }[] }} report
 * @param {{ stacked: boolean, scope: string, text: string, line: string }} look
 */
export function drawChart(canvas, { periods, series }, { stacked, scope, text, line }) {
  const type = stacked ? 'bar' : 'line'
  const data = {
    labels: periods,
    datasets: series.map(({ name, values }, at) => ({
      label: name,
      data: values,
      backgroundColor: colours[at],
      borderColor: colours[at],
      borderWidth: stacked ? 0 : 2,
      borderRadius: 2,
      maxBarThickness: 56,
      pointRadius: periods.length > 45 ? 0 : 3,
      pointHitRadius: 8,
      spanGaps: true,
    })),
  }
  const options = chartOptions(periods, series.length, { stacked, scope, text, line })
  if (chart?.config.type === type) {
    chart.data = data
    chart.options = options
    chart.update('none')
    return
  }
  chart?.destroy()
  const { Chart } = /** @type {any} */ (globalThis)
  Chart.defaults.font.family = getComputedStyle(canvas).fontFamily
  chart = new Chart(canvas, { type, data, options })
}

/**
 * @param {string[]} periods
 * @param {number} lines
 * @param {{ stacked: boolean, scope: string, text: string, line: string }} look
 */
function chartOptions(periods, lines, { stacked, scope, text, line }) {
  const axis = { stacked, border: { color: line } }
  const ticks = { color: text, maxRotation: 0, autoSkipPadding: 16 }
  const number = (/** @type {number} */ value) => value.toLocaleString('en', { maximumFractionDigits: 2 })
  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: 'index', intersect: false },
    scales: {
      x: {
        ...axis,
        grid: { display: false },
        ticks: { ...ticks, callback: (/** @type {number} */ at) => dayLabel(periods[at], scope) },
      },
      y: { ...axis, beginAtZero: true, grid: { color: line }, ticks: { ...ticks, precision: 0 } },
    },
    plugins: {
      legend: {
        display: lines > 1,
        position: 'bottom',
        labels: { color: text, boxWidth: 12, generateLabels: shortLabels },
      },
      tooltip: {
        // The page stays still under a pointer that crosses 90 days of ten lines.
        filter: (/** @type {any} */ item) => item.raw !== null && (item.raw !== 0 || lines === 1),
        itemSort: (/** @type {any} */ a, /** @type {any} */ b) => b.raw - a.raw,
        callbacks: {
          label: (/** @type {any} */ item) => ` ${shortened(item.dataset.label)}: ${number(item.raw)}`,
          footer: (/** @type {any[]} */ items) =>
            stacked && items.length > 1
              ? `Together: ${number(items.reduce((sum, { raw }) => sum + raw, 0))}`
              : '',
        },
      },
    },
  }
}

/** @param {any} drawn */
function shortLabels(drawn) {
  const { Chart } = /** @type {any} */ (globalThis)
  const labels = Chart.defaults.plugins.legend.labels.generateLabels(drawn)
  return labels.map((/** @type {any} */ label) => ({ ...label, text: shortened(label.text) }))
}

/** @param {string} text */
function shortened(text) {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}

/**
 * @param {string | undefined} day
 * @param {string} scope
 */
function dayLabel(day, scope) {
  if (day === undefined) return ''
  const rest = scope === 'Monthly' ? { year: 'numeric' } : { day: 'numeric' }
  return new Date(day).toLocaleDateString(
    'en',
    /** @type {any} */ ({ month: 'short', ...rest, timeZone: 'UTC' }),
  )
}
