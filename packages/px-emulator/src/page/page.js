import { drawAudience } from './audience-view.js'
import { drawEvents, listenToEvents } from './events-view.js'
import { fetchControl } from './fetch-control.js'
import { eventsInWords } from './in-words.js'
import { chooseFromAddress, followChoice, offerChoices } from './report/query-form.js'
import { drawReport } from './report/report-view.js'

/** The frame of the page: shows the chosen view and polls the emulator for changes. */

const pollMs = 2000
const views = ['report', 'audience', 'events']

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))

/** @type {import('./fetch-control.js').Catalog} */
let catalog = { revision: '', events: 0, timeZone: 'UTC', productKey: '', timeZones: [], names: [] }

let respondedAt = new Date()

function currentView() {
  const named = location.hash.slice(1)
  return views.includes(named) ? named : 'report'
}

/** Shows the view that the address names. Before the first event, the report view shows how to send one. */
async function drawView() {
  const view = currentView()
  const isEmpty = view === 'report' && catalog.events === 0
  for (const each of views) byId(each).hidden = each !== view || isEmpty
  byId('empty').hidden = !isEmpty
  for (const link of document.querySelectorAll('nav a')) {
    if (link.getAttribute('href') === `#${view}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  if (view === 'events') await drawEvents(catalog.events)
  else if (view === 'audience') await drawAudience()
  else if (!isEmpty) await drawReport()
}

/**
 * Runs an action and shows in the status line whether the emulator responded.
 *
 * @param {() => Promise<void>} act
 */
async function showOutcome(act) {
  try {
    await act()
    respondedAt = new Date()
    showStatus(`Live, ${eventsInWords(catalog.events)}`, 'live')
  } catch (error) {
    const since = respondedAt.toLocaleTimeString('en-GB')
    showStatus(
      error instanceof TypeError ? `The emulator does not respond since ${since}` : String(error),
      'lost',
    )
  }
}

/**
 * Sets the status line only when its text changes, because a screen reader reads it again at every change.
 *
 * @param {string} text
 * @param {string} state
 */
function showStatus(text, state) {
  const status = byId('status')
  if (status.textContent !== text) status.textContent = text
  status.dataset.state = state
  // Numbers that are no longer current are dimmed.
  document.body.dataset.state = state
}

async function poll() {
  await showOutcome(async () => {
    const found = await fetchControl('catalog')
    const isFirst = catalog.revision === ''
    const isNew = found.revision !== catalog.revision
    catalog = found
    if (isNew) offerChoices(catalog)
    if (isFirst) begin()
    if (isNew || currentView() === 'audience') await drawView()
  })
  setTimeout(poll, pollMs)
}

function begin() {
  chooseFromAddress()
  // The listener is not on the form, because the choice between bars and lines lies outside the form.
  byId('report').addEventListener('change', (/** @type {Event} */ { target }) => {
    followChoice(target)
    showOutcome(drawReport)
  })
  listenToEvents(() => showOutcome(() => drawEvents(catalog.events)))
  const key = catalog.apiKey ?? '<the key>'
  byId('variables').textContent =
    `PX_BASE_URL=${location.origin} PX_API_KEY=${key} PX_PRODUCT_KEY=${catalog.productKey} node server.js`
  byId('sample').textContent = `curl -X POST ${location.origin}/v1/events/custom \\
  -H 'X-APTRINSIC-API-KEY: ${key}' -H 'Content-Type: application/json' \\
  -d '{"eventName":"dailyApiCalls","identifyId":"user-1","userType":"USER",
       "propertyKey":"${catalog.productKey}","attributes":{"apiCalls":120}}'`
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('.copy'))) {
    // Browsers provide the clipboard only to pages on loopback or https.
    button.hidden = navigator.clipboard === undefined
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(byId(button.dataset.copies ?? '').textContent)
      button.textContent = 'Copied'
    })
  }
}

addEventListener('hashchange', () => showOutcome(drawView))
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => showOutcome(drawView))
poll()
