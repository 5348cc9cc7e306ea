import { csv, fillEvents, fillTable } from './lists.js'

const pollMs = 2000
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

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))
const form = byId('query')
const field = (/** @type {string} */ name) => form.elements.namedItem(name)

/** @type {any} */
let chart
/** @type {{ events: number, names: { name: string, numbers: string[], groups: string[] }[] }} */
let catalog = { events: -1, names: [] }
let csvUrl = ''
let asked = 0

/** @param {string} path */
async function get(path) {
  const answer = await fetch(path)
  const body = await answer.json()
  if (!answer.ok) throw new Error(body.externalapierror.message)
  return body
}

/**
 * @param {HTMLSelectElement} select
 * @param {[value: string, text: string][]} options
 */
function fillSelect(select, options) {
  const chosen = select.value
  if (options.length === select.length && options.every(([value], at) => select.options[at]?.value === value))
    return
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)))
  if (options.some(([value]) => value === chosen)) select.value = chosen
}

function fillChoices() {
  fillSelect(
    field('eventName'),
    catalog.names.map(({ name }) => [name, name]),
  )
  const event = catalog.names.find(({ name }) => name === field('eventName').value)
  const numbers = event?.numbers.filter((name) => name !== 'timestamp') ?? []
  fillSelect(
    field('property'),
    numbers.map((name) => [name, name]),
  )
  /** @type {[string, string][]} */
  const groups = (event?.groups ?? []).map((name) => [name, name])
  fillSelect(field('by'), [['', 'Nothing'], ['accountId', 'Account'], ['identifyId', 'User'], ...groups])
}

/**
 * The two ways in which the right function answers a question nobody asked.
 *
 * @param {{ eventsPerUserDay: number }} report
 */
function hint(report) {
  const { value: chosen } = field('function')
  const { value: scope } = field('scope')
  if (chosen === 'Sum' && scope !== 'Daily') {
    const times = scope === 'Weekly' ? 7 : 30
    return `Sum over a ${scope === 'Weekly' ? 'week' : 'month'} is the total of that time, about ${times} times a daily figure. For a typical day choose Average.`
  }
  if (chosen === 'Average' && report.eventsPerUserDay > 1) {
    return `A user has up to ${report.eventsPerUserDay} of these events on one day. Average divides by events, so this is not a daily total per user. Choose Sum, or an event with one line per user and day.`
  }
  return ''
}

async function drawReport() {
  asked += 1
  const mine = asked
  const query = new URLSearchParams(/** @type {any} */ (new FormData(form)))
  const report = await get(`/_px-emulator/report?${query}`)
  if (mine !== asked) return
  const chosen = field('function')
  const counts = ['Count', 'Users'].includes(chosen.value)
  byId('title').textContent =
    `${chosen.selectedOptions[0].text}${counts ? '' : ` of ${field('property').value}`}, ${field('scope').value.toLowerCase()}`
  byId('subtitle').textContent =
    `${report.events.toLocaleString('en')} events of ${field('eventName').value}, days in ${field('timeZone').value}`
  const text = hint(report)
  byId('hint').textContent = text
  byId('hint').hidden = text === ''
  draw(report)
  const heads = [
    field('scope').value === 'Daily' ? 'Day' : 'From',
    ...report.series.map((/** @type {any} */ line) => line.name),
  ]
  const rows = report.periods.map((/** @type {string} */ period, /** @type {number} */ at) => [
    period,
    ...report.series.map((/** @type {any} */ line) => line.values[at]),
  ])
  fillTable(byId('values'), byId('title').textContent, heads, rows)
  URL.revokeObjectURL(csvUrl)
  csvUrl = URL.createObjectURL(new Blob([csv(heads, rows)], { type: 'text/csv' }))
  byId('csv').href = csvUrl
}

/** @param {{ periods: string[], series: { name: string, values: (number | null)[] }[] }} report */
function draw({ periods, series }) {
  const style = getComputedStyle(byId('status'))
  const grid = getComputedStyle(form).borderTopColor
  const stacked = field('function').value === 'Sum' || field('function').value === 'Count'
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
      pointRadius: 3,
      spanGaps: true,
    })),
  }
  const axis = { ticks: { color: style.color, maxRotation: 0, autoSkipPadding: 16 }, border: { color: grid } }
  const options = {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: 'index', intersect: false },
    scales: {
      x: {
        ...axis,
        stacked,
        grid: { display: false },
        ticks: { ...axis.ticks, callback: (/** @type {number} */ at) => shortDay(periods[at]) },
      },
      y: { ...axis, stacked, beginAtZero: true, grid: { color: grid } },
    },
    plugins: {
      legend: {
        display: series.length > 1,
        position: 'bottom',
        labels: { color: style.color, boxWidth: 12 },
      },
    },
  }
  const type = stacked ? 'bar' : 'line'
  if (chart?.config.type === type) {
    chart.data = data
    chart.options = options
    chart.update('none')
  } else {
    chart?.destroy()
    chart = new /** @type {any} */ (globalThis).Chart(byId('chart'), { type, data, options })
  }
}

/** @param {string | undefined} day */
function shortDay(day = '') {
  const shown = field('scope').value === 'Monthly' ? { year: 'numeric' } : { day: 'numeric' }
  return new Date(day).toLocaleDateString(
    'en',
    /** @type {any} */ ({ month: 'short', ...shown, timeZone: 'UTC' }),
  )
}

async function drawLists() {
  if (byId('events').open)
    fillEvents(
      byId('event-list'),
      (await get('/_px-emulator/events')).map((/** @type {any} */ { event }) => event),
    )
  if (!byId('audience').open) return
  const { users, accounts } = await get('/_px-emulator/audience')
  const attributes = (/** @type {any} */ member) => member.customAttributes
  fillTable(
    byId('users'),
    `Users (${users.length})`,
    ['Id', 'Account', 'Attributes'],
    users.map((/** @type {any} */ user) => [user.identifyId, user.accountId, attributes(user)]),
  )
  fillTable(
    byId('accounts'),
    `Accounts (${accounts.length})`,
    ['Id', 'Name', 'Attributes'],
    accounts.map((/** @type {any} */ account) => [account.id, account.name, attributes(account)]),
  )
}

/** @param {() => Promise<void>} act */
async function shownFailure(act) {
  try {
    await act()
    byId('status').textContent = `Live, ${catalog.events.toLocaleString('en')} events`
  } catch (error) {
    byId('status').textContent = error instanceof TypeError ? 'The emulator does not answer' : String(error)
  }
}

async function poll() {
  await shownFailure(async () => {
    const found = await get('/_px-emulator/catalog')
    if (found.events !== catalog.events) {
      catalog = found
      byId('empty').hidden = catalog.events > 0
      byId('report').hidden = catalog.events === 0
      fillChoices()
      if (catalog.events > 0) await drawReport()
    }
    await drawLists()
  })
  setTimeout(poll, pollMs)
}

const here = Intl.DateTimeFormat().resolvedOptions().timeZone
const zones = [...new Set(['UTC', here, ...Intl.supportedValuesOf('timeZone')])]
fillSelect(
  field('timeZone'),
  zones.map((zone) => [zone, zone]),
)
form.addEventListener('change', () => {
  fillChoices()
  shownFailure(drawReport)
})
form.addEventListener('submit', (/** @type {Event} */ event) => event.preventDefault())
for (const id of ['events', 'audience']) byId(id).addEventListener('toggle', () => shownFailure(drawLists))
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => shownFailure(drawReport))
byId('sample').textContent = `curl -X POST ${location.origin}/v1/events/custom \\
  -H 'X-APTRINSIC-API-KEY: <the key>' -H 'Content-Type: application/json' \\
  -d '{"eventName":"dailyApiCalls","identifyId":"user-1","userType":"USER",
       "propertyKey":"AP-DEMOEMULATOR-2","attributes":{"apiCalls":120}}'`
poll()
