import { ask } from './ask.js'
import { drawAudience } from './audience-view.js'
import { drawEvents } from './events-view.js'
import { eventsInWords } from './in-words.js'
import { chooseFromAddress, followChoice, offerChoices } from './report/query-form.js'
import { drawReport } from './report/report-view.js'

/** The frame of the page: which view is shown, and the asking for what is new. */

const pollMs = 2000
const views = ['report', 'audience', 'events']

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))

/** @type {import('./ask.js').Catalog} */
let catalog = { revision: '', events: 0, timeZone: 'UTC', productKey: '', names: [] }

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
  if (view === 'events') await drawEvents(catalog.events)
  else if (view === 'audience') await drawAudience()
  else if (!isEmpty) await drawReport()
}

/**
 * Does something, and tells in the status line whether the emulator answered.
 *
 * @param {() => Promise<void>} act
 */
async function told(act) {
  try {
    await act()
    tell(`Live, ${eventsInWords(catalog.events)}`, 'live')
  } catch (error) {
    tell(error instanceof TypeError ? 'The emulator does not answer' : String(error), 'lost')
  }
}

/**
 * A line that did not change is left alone: a screen reader would read it again.
 *
 * @param {string} text
 * @param {string} state
 */
function tell(text, state) {
  const status = byId('status')
  if (status.textContent !== text) status.textContent = text
  status.dataset.state = state
}

async function poll() {
  await told(async () => {
    const found = await ask('catalog')
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
  // Not on the form: the choice between bars and lines is outside of it.
  byId('report').addEventListener('change', (/** @type {Event} */ { target }) => {
    followChoice(target)
    told(drawReport)
  })
  byId('sample').textContent = `curl -X POST ${location.origin}/v1/events/custom \\
  -H 'X-APTRINSIC-API-KEY: ${catalog.apiKey ?? '<the key>'}' -H 'Content-Type: application/json' \\
  -d '{"eventName":"dailyApiCalls","identifyId":"user-1","userType":"USER",
       "propertyKey":"${catalog.productKey}","attributes":{"apiCalls":120}}'`
  // Browsers give the clipboard to pages of this machine and of https only.
  byId('copy').hidden = navigator.clipboard === undefined
  byId('copy').addEventListener('click', async () => {
    await navigator.clipboard.writeText(byId('sample').textContent)
    byId('copy').textContent = 'Copied'
  })
}

addEventListener('hashchange', () => told(drawView))
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => told(drawView))
poll()
