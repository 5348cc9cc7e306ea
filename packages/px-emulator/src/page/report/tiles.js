import { numberInWords } from '../in-words.js'
import { element } from '../table.js'
import { inWords } from './title.js'

/** @typedef {{ events: number, users: number, value: number, apiCalls: number, clientErrors: number, serverErrors: number }} Totals */

/**
 * Shows the largest numbers of the range, each beside the one of as many days before.
 *
 * @param {HTMLElement} place
 * @param {{ now: Totals, before: Totals | null, days: number }} overview
 * @param {string} property
 */
export function drawTiles(place, { now, before, days }, property) {
  const since = `the ${days === 1 ? 'day' : `${days} days`} before`
  const counted = /** @type {const} */ (property === '' ? 'events' : 'value')
  const tiles = [
    tile(
      property === '' ? 'Events' : inWords(property),
      numberInWords(now[counted]),
      change(now[counted], before?.[counted]),
      since,
    ),
    tile('Active users', numberInWords(now.users), change(now.users, before?.users), since),
  ]
  if (now.apiCalls > 0) {
    const was = before === null || before.apiCalls === 0 ? undefined : errorShare(before)
    const share = tile('Error share', percent(errorShare(now)), points(errorShare(now), was), since)
    const parts = `${percent(now.clientErrors / now.apiCalls)} client, ${percent(now.serverErrors / now.apiCalls)} server`
    share.append(element('p', parts, 'quiet'))
    tiles.push(share)
  }
  place.replaceChildren(...tiles)
}

/**
 * "+12 %"; an empty text if there is nothing to compare with.
 *
 * @param {number} now
 * @param {number | undefined} before
 */
export function change(now, before) {
  if (before === undefined) return ''
  if (before === 0) return now === 0 ? '0 %' : 'new'
  return signed(Math.round((now / before - 1) * 100), '%')
}

/**
 * @param {number} now
 * @param {number | undefined} before
 */
function points(now, before) {
  return before === undefined ? '' : signed(Math.round((now - before) * 1_000) / 10, 'points')
}

/**
 * @param {number} value
 * @param {string} unit
 */
function signed(value, unit) {
  return `${value > 0 ? '+' : value < 0 ? '\u2212' : ''}${Math.abs(value).toLocaleString('en')} ${unit}`
}

/** @param {Totals} totals */
function errorShare({ apiCalls, clientErrors, serverErrors }) {
  return (clientErrors + serverErrors) / apiCalls
}

/** @param {number} share */
function percent(share) {
  return `${(share * 100).toLocaleString('en', { maximumFractionDigits: 1 })} %`
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string} changed
 * @param {string} since
 */
function tile(name, value, changed, since) {
  const card = element('div', '', 'card tile')
  const against = changed === '' ? 'no whole period before it to compare with' : `${changed} against ${since}`
  card.append(element('h2', name), element('p', value, 'figure'), element('p', against, 'quiet'))
  return card
}
