import { periodName } from '../in-words.js'
import { isPartial } from './partial-periods.js'

/**
 * The reading of a chart: the values of one period, beside the chart instead of in a box that covers it. The pointer and the arrow
 * keys choose the period.
 */

/** @typedef {{ periods: string[], covered: { covered: number, days: number }[], scope: string, textAt: (at: number | null) => string, show: (at: number | null) => void }} Readable */

/** @type {Readable} */
let read = { periods: [], covered: [], scope: 'Daily', textAt: () => '', show: () => {} }
/** @type {number | null} */
let chosen = null
const place = /** @type {HTMLElement} */ (document.getElementById('plot'))
const text = /** @type {HTMLElement} */ (document.getElementById('reading'))

/** The period that is read, or `null` for the whole range. */
export function readPeriod() {
  return chosen
}

/**
 * Shows the reading of another report. A chosen period stays chosen, because the chart is drawn again whenever an event arrives.
 *
 * @param {Readable} readable
 */
export function setReadable(readable) {
  const period = chosen === null ? undefined : read.periods[chosen]
  read = readable
  const at = period === undefined ? -1 : readable.periods.indexOf(period)
  choosePeriod(at === -1 ? null : at)
}

/** @param {number | null} at */
export function choosePeriod(at) {
  const last = read.periods.length - 1
  chosen = at === null ? null : Math.max(0, Math.min(last, at))
  text.textContent = `${periodInWords()}: ${read.textAt(chosen)}`
  place.setAttribute('aria-valuemin', '0')
  place.setAttribute('aria-valuemax', String(Math.max(0, last)))
  place.setAttribute('aria-valuenow', String(chosen ?? Math.max(0, last)))
  place.setAttribute('aria-valuetext', text.textContent)
  read.show(chosen)
}

function periodInWords() {
  if (chosen === null) return 'Whole range'
  const period = read.covered[chosen]
  const name = periodName(read.periods[chosen] ?? '', read.scope)
  return period !== undefined && isPartial(period)
    ? `${name} (${period.covered} of ${period.days} days)`
    : name
}

place.addEventListener('keydown', (event) => {
  const last = read.periods.length - 1
  const from = chosen ?? last + 1
  /** @type {Record<string, number | null>} */
  const moves = { ArrowLeft: from - 1, ArrowRight: (chosen ?? -1) + 1, Home: 0, End: last, Escape: null }
  if (!Object.hasOwn(moves, event.key)) return
  event.preventDefault()
  choosePeriod(/** @type {number | null} */ (moves[event.key]))
})
