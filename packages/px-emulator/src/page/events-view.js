import { fetchControl } from './fetch-control.js'
import { plainLines } from './plain-text.js'
import { element } from './table.js'

/** The view of the newest events, each with its whole body. */

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))
const list = byId('event-list')
const pageSize = 100
let shownMost = pageSize
let drawings = 0

/** @typedef {{ place: number, receivedMs: number, event: any }} ReceivedEvent */

/**
 * Adds new events at the top. Items already in the list are kept, so that an open one stays open.
 *
 * @param {number} total
 */
export async function drawEvents(total) {
  drawings += 1
  const mine = drawings
  const search = byId('search').value
  const query = new URLSearchParams({ search, limit: String(shownMost) })
  /** @type {ReceivedEvent[]} */
  const events = await fetchControl(`events?${query}`)
  if (mine !== drawings) return
  const known = new Map([...list.children].map((item) => [item.dataset.id, item]))
  list.replaceChildren(...events.map((each) => known.get(keyOf(each)) ?? eventItem(each)))
  const mayBeMore = events.length === shownMost && events.at(-1)?.place !== 0
  byId('older').hidden = !mayBeMore
  byId('event-count').textContent = countInWords(events.length, total, search, mayBeMore)
}

/**
 * @param {number} shown
 * @param {number} total
 * @param {string} search
 * @param {boolean} mayBeMore
 */
function countInWords(shown, total, search, mayBeMore) {
  const all = total.toLocaleString('en')
  if (total === 0) return 'None yet.'
  if (search !== '')
    return `${mayBeMore ? 'The newest ' : ''}${shown.toLocaleString('en')} of ${all} contain this text`
  return shown < total ? `The newest ${shown.toLocaleString('en')} of ${all}` : `${all} in all`
}

/** @param {() => void} redraw */
export function listenToEvents(redraw) {
  byId('search').addEventListener('input', () => {
    shownMost = pageSize
    redraw()
  })
  byId('older').addEventListener('click', () => {
    shownMost += pageSize
    redraw()
  })
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

/** @param {ReceivedEvent} each */
function eventItem({ place, receivedMs, event }) {
  const item = document.createElement('li')
  item.dataset.id = keyOf({ place, event })
  const summary = document.createElement('summary')
  summary.append(
    element('span', instant(event.date), 'when'),
    element('span', event.eventName, 'what'),
    element('span', [event.identifyId, event.accountId].filter(Boolean).join(' · '), 'who'),
    element('span', gist(event.attributes), 'gist'),
    element('span', `received ${instant(receivedMs)}`, 'received'),
  )
  const details = document.createElement('details')
  const body = document.createElement('pre')
  body.textContent = plainLines(JSON.stringify(event, null, 2))
  body.tabIndex = 0
  details.append(summary, body)
  item.append(details)
  return item
}

const shownInGist = 6
/** Attributes that are the same in most events of a list, or that it shows elsewhere. */
const leftOut = ['timestamp', 'day', 'timeZone', 'apiType', 'rollupId']

/**
 * Returns the attributes that distinguish events at a glance, the endpoint first. Zeros are left out.
 *
 * @param {Record<string, unknown>} attributes
 */
function gist({ method, endpoint, ...others }) {
  const parts = Object.entries(others)
    .filter(([name, value]) => !leftOut.includes(name) && value !== 0)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
  const called = [method, endpoint].filter((part) => part !== undefined).join(' ')
  return [...(called === '' ? [] : [called]), ...parts].slice(0, shownInGist).join(', ')
}

/** @param {number} ms */
function instant(ms) {
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/(\.\d+)?Z$/, ' UTC')
}
