import { drawChart } from './draw-chart.js'
import { addFilter, chosenFilters } from './filters.js'
import { hint } from './hint.js'
import { csv, fillEvents, fillMembers, fillTable } from './lists.js'

const pollMs = 2000
const views = ['report', 'audience', 'events']

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))
const form = byId('query')
const field = (/** @type {string} */ name) => form.elements.namedItem(name)

/** @type {{ revision: string, events: number, timeZone: string, names: { name: string, events: number, numbers: string[], groups: string[] }[] }} */
let catalog = { revision: '', events: 0, timeZone: 'UTC', names: [] }
/** What the address asks for, until it has been chosen once. */
const wanted = new URLSearchParams(location.search)
let csvUrl = ''
let asked = 0

/** @param {string} path */
async function get(path) {
  const answer = await fetch(`/_px-emulator/${path}`)
  const body = await answer.json()
  if (!answer.ok) throw new Error(body.externalapierror.message)
  return body
}

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
  const asked = wanted.get(name)
  const chosen = [asked, select.value, preferred].find((value) => has(value ?? null))
  if (!isSame) select.replaceChildren(...options.map(([value, text]) => new Option(text, value)))
  if (chosen !== undefined) select.value = chosen
  if (has(asked)) wanted.delete(name)
}

const same = (/** @type {string} */ name) => /** @type {[string, string]} */ ([name, name])

function knownFields() {
  const event = catalog.names.find(({ name }) => name === field('eventName').value)
  const numbers = event?.numbers.filter((name) => name !== 'timestamp') ?? []
  /** @type {[string, string][]} */
  const groups = [['accountId', 'Account'], ['identifyId', 'User'], ...(event?.groups ?? []).map(same)]
  return { numbers, groups }
}

function fillChoices() {
  fillSelect(
    'eventName',
    catalog.names.map(({ name }) => same(name)),
    'dailyApiCalls',
  )
  const { numbers, groups } = knownFields()
  fillSelect('property', numbers.map(same), 'apiCalls')
  fillSelect('by', [['', 'Nothing'], ...groups])
}

function filterRow(/** @type {[string, string, string] | undefined} */ chosen = undefined) {
  const { numbers, groups } = knownFields()
  const valuesOf = (/** @type {string} */ name) =>
    get(`values?${new URLSearchParams({ eventName: field('eventName').value, field: name })}`)
  addFilter(byId('filters'), [...groups, ...numbers.map(same)], valuesOf, chosen)
}

function reportQuery() {
  const query = new URLSearchParams(/** @type {any} */ (new FormData(form)))
  for (const [name, value] of [...query]) if (value === '') query.delete(name)
  for (const [name, operator, value] of chosenFilters(byId('filters'))) {
    query.append('filter', JSON.stringify([name, operator, operator === '~' ? `*${value}*` : value]))
  }
  return query
}

async function drawReport() {
  asked += 1
  const mine = asked
  const query = reportQuery()
  history.replaceState(null, '', `?${query}${location.hash}`)
  const [from, to] = [field('from').value, field('to').value]
  const report =
    from !== '' && to !== '' && from > to
      ? new Error(`${from} is after ${to}`)
      : await get(`report?${query}`).catch((/** @type {Error} */ error) => error)
  if (mine !== asked) return
  byId('failure').hidden = !(report instanceof Error)
  if (report instanceof TypeError) throw report
  if (report instanceof Error) byId('failure').textContent = report.message
  else showReport(report)
}

/** @param {any} report */
function showReport(report) {
  const { value: chosen, selectedOptions } = field('function')
  const scope = field('scope').value
  const isTotal = chosen === 'Sum' || chosen === 'Count'
  const of = ['Count', 'Users'].includes(chosen) ? '' : ` of ${field('property').value}`
  byId('title').textContent = `${selectedOptions[0].text}${of}, ${scope.toLowerCase()}`
  const values = report.series.flatMap((/** @type {any} */ { values }) => values)
  const total = values.reduce((/** @type {number} */ sum, /** @type {number} */ value) => sum + value, 0)
  byId('subtitle').textContent = [
    `${report.events.toLocaleString('en')} events of ${field('eventName').value}`,
    `${report.from} to ${report.to}`,
    `days in ${field('timeZone').value}`,
    ...(isTotal ? [`${total.toLocaleString('en', { maximumFractionDigits: 2 })} in all`] : []),
  ].join(', ')
  const text = hint(chosen, scope, report)
  byId('hint').textContent = text
  byId('hint').hidden = text === ''
  drawChart(byId('chart'), report, {
    stacked: isTotal,
    scope,
    text: getComputedStyle(byId('status')).color,
    line: getComputedStyle(form).borderTopColor,
  })
  const heads = [
    scope === 'Daily' ? 'Day' : 'From',
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

async function drawEvents() {
  const events = await get('events')
  fillEvents(byId('event-list'), events)
  const all = catalog.events.toLocaleString('en')
  byId('event-count').textContent =
    events.length < catalog.events ? `The newest ${events.length} of ${all}` : `${all} in all`
}

async function drawAudience() {
  const { users, accounts, userCount, accountCount, ignored } = await get('audience')
  fillMembers(
    byId('users'),
    `Users (${userCount})`,
    [
      ['Id', 'identifyId'],
      ['Account', 'accountId'],
    ],
    users,
  )
  fillMembers(
    byId('accounts'),
    `Accounts (${accountCount})`,
    [
      ['Id', 'id'],
      ['Name', 'name'],
    ],
    accounts,
  )
  const names = [...new Set([...ignored.user, ...ignored.account])]
  byId('ignored').hidden = names.length === 0
  byId('ignored').textContent =
    `Left out, because nobody declared them: ${names.join(', ')}. PX takes declared attributes only.`
}

function currentView() {
  const named = location.hash.slice(1)
  return views.includes(named) ? named : 'report'
}

/** Shows the view that the address names; without an event yet, the report tells how to send one. */
async function drawView() {
  const view = currentView()
  const isEmpty = view === 'report' && catalog.events === 0
  for (const each of views) byId(each).hidden = each !== view || isEmpty
  byId('empty').hidden = !isEmpty
  for (const link of document.querySelectorAll('nav a')) {
    if (link.getAttribute('href') === `#${view}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  if (view === 'events') await drawEvents()
  else if (view === 'audience') await drawAudience()
  else if (!isEmpty) await drawReport()
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
    const found = await get('catalog')
    const isNew = found.revision !== catalog.revision
    if (isNew) {
      const isFirst = catalog.revision === ''
      catalog = found
      fillChoices()
      if (isFirst) begin()
    }
    if (isNew || currentView() === 'audience') await drawView()
  })
  setTimeout(poll, pollMs)
}

/** Chooses what the address asks for. */
function begin() {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  const zones = [...new Set([catalog.timeZone, 'UTC', here, ...Intl.supportedValuesOf('timeZone')])]
  fillSelect('timeZone', zones.map(same), catalog.timeZone)
  for (const name of ['function', 'scope', 'from', 'to']) {
    const value = wanted.get(name)
    if (value !== null) field(name).value = value
  }
  for (const name of ['function', 'scope']) if (field(name).value === '') field(name).selectedIndex = 0
  for (const text of wanted.getAll('filter')) {
    try {
      const [name, operator, value] = JSON.parse(text)
      filterRow([name, operator, operator === '~' ? value.replace(/^\*|\*$/g, '') : value])
    } catch {
      // An address that somebody wrote by hand: the report goes without this filter.
    }
  }
}

form.addEventListener('change', () => {
  fillChoices()
  shownFailure(drawReport)
})
form.addEventListener('submit', (/** @type {Event} */ event) => event.preventDefault())
byId('add-filter').addEventListener('click', () => filterRow())
addEventListener('hashchange', () => shownFailure(drawView))
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => shownFailure(drawView))
byId('sample').textContent = `curl -X POST ${location.origin}/v1/events/custom \\
  -H 'X-APTRINSIC-API-KEY: <the key>' -H 'Content-Type: application/json' \\
  -d '{"eventName":"dailyApiCalls","identifyId":"user-1","userType":"USER",
       "propertyKey":"AP-DEMOEMULATOR-2","attributes":{"apiCalls":120}}'`
poll()
