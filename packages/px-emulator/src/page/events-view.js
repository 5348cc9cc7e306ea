import { fetchControl } from './fetch-control.js'
import { plainLines } from './plain-text.js'
import { element } from './table.js'

/** The view of the newest events, each with its whole body. */

const list = /** @type {HTMLElement} */ (document.getElementById('event-list'))
const count = /** @type {HTMLElement} */ (document.getElementById('event-count'))

/**
 * Adds new events at the top. Items already in the list are kept, so that an open one stays open.
 *
 * @param {number} total
 */
export async function drawEvents(total) {
  /** @type {{ place: number, receivedMs: number, event: any }[]} */
  const events = await fetchControl('events')
  const known = new Map(
    [...list.children].map((item) => [/** @type {HTMLElement} */ (item).dataset.id, item]),
  )
  list.replaceChildren(...events.map((each) => known.get(keyOf(each)) ?? eventItem(each)))
  const all = total.toLocaleString('en')
  count.textContent =
    total === 0
      ? 'None yet.'
      : events.length < total
        ? `The newest ${events.length} of ${all}`
        : `${all} in all`
}

/**
 * The key of a list item. The event id alone is not enough, because a sender may give two events the same id; the place alone is
 * not enough, because places start from 0 again after a reset.
 *
 * @param {{ place: number, event: any }} each
 */
function keyOf({ place, event }) {
  return `${place} ${event.eventId}`
}

/** @param {{ place: number, receivedMs: number, event: any }} each */
function eventItem({ place, receivedMs, event }) {
  const item = document.createElement('li')
  item.dataset.id = keyOf({ place, event })
  const summary = document.createElement('summary')
  summary.append(
    element('span', instant(event.date), 'when'),
    element('span', event.eventName, 'what'),
    element('span', [event.identifyId, event.accountId].filter(Boolean).join(' · '), 'who'),
    element('span', gist(event.attributes), 'gist'),
  )
  const details = document.createElement('details')
  const body = document.createElement('pre')
  body.textContent = plainLines(JSON.stringify(event, null, 2))
  body.tabIndex = 0
  details.append(summary, element('p', `Received ${instant(receivedMs)}`, 'quiet'), body)
  item.append(details)
  return item
}

const shownInGist = 6

/**
 * Returns the attributes that distinguish events at a glance. The day is shown elsewhere, and zeros are left out.
 *
 * @param {Record<string, unknown>} attributes
 */
function gist(attributes) {
  return Object.entries(attributes)
    .filter(([name, value]) => name !== 'timestamp' && name !== 'day' && value !== 0)
    .slice(0, shownInGist)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}

/** @param {number} ms */
function instant(ms) {
  return new Date(ms).toISOString().replace('T', ' ').replace('.000Z', ' UTC').replace('Z', ' UTC')
}
