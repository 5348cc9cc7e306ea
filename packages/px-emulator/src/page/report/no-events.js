import { element } from '../table.js'

/**
 * Says why a chart is empty, and offers what shows something.
 *
 * @param {HTMLElement} place
 * @param {{ from: string, to: string, oldest: string | null, newest: string | null }} report
 * @param {{ eventName: string, property: string, readsProperty: boolean, hasFilters: boolean, showAll: (range: { from: string, to: string }) => void, removeFilters: () => void }} choice
 */
export function explainNoEvents(place, { from, to, oldest, newest }, choice) {
  const { eventName, property, readsProperty, hasFilters, showAll, removeFilters } = choice
  const parts = [
    element('h2', `No events of ${eventName} from ${from} to ${to}${hasFilters ? ' match the filters' : ''}`),
  ]
  if (oldest !== null && newest !== null) {
    const isElsewhere = oldest < from || newest > to
    parts.push(element('p', `There are events from ${oldest} to ${newest}.`))
    if (readsProperty && !isElsewhere && !hasFilters) {
      const what = property === '' ? 'They have no number to add.' : `They have no number in ${property}.`
      parts.push(element('p', `${what} Choose the function Count or Unique users.`))
    }
    if (isElsewhere) parts.push(action('Show all', () => showAll({ from: oldest, to: newest })))
  }
  if (hasFilters) parts.push(action('Remove filters', removeFilters))
  place.replaceChildren(...parts)
}

/**
 * @param {string} text
 * @param {() => void} act
 */
function action(text, act) {
  const button = element('button', text)
  button.setAttribute('type', 'button')
  button.addEventListener('click', act)
  return button
}
