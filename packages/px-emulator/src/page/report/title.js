import { plain } from '../plain-text.js'

const times = /** @type {Record<string, string>} */ ({ Daily: 'day', Weekly: 'week', Monthly: 'month' })
const operators = /** @type {Record<string, string>} */ ({
  '==': 'only',
  '!=': 'without',
  '~': 'only with',
  '>=': 'at least',
  '<=': 'at most',
})

/**
 * The name of a property in words: `apiCalls` is "API calls". A name of another form is kept.
 *
 * @param {string} property
 */
export function inWords(property) {
  if (!/^[a-z]+([A-Z][a-z]+)*$/.test(property)) return plain(property)
  const words = property.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/\bapi\b/, 'API')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/**
 * The name of a field in words, within a sentence.
 *
 * @param {string} field
 */
export function fieldInWords(field) {
  if (field === 'accountId') return 'account'
  return field === 'identifyId' ? 'user' : plain(field)
}

/**
 * What the numbers of a chart are: "API calls".
 *
 * @param {{ chosen: string, property: string }} choice
 */
export function quantity({ chosen, property }) {
  if (chosen === 'Count') return 'Events'
  return chosen === 'Users' ? 'Active users' : inWords(property)
}

/**
 * Returns a title that says all about a chart, also in a picture of it: "API calls per day, by account - only acme".
 *
 * @param {{ chosen: string, property: string, scope: string, by: string, filters: [field: string, operator: string, value: string][], eventsPerUserDay: number }} choice
 */
export function titleOf(choice) {
  const { by, filters } = choice
  const conditions = filters.map(conditionInWords)
  return [
    numbersInWords(choice),
    by === '' ? '' : `, by ${fieldInWords(by)}`,
    conditions.length === 0 ? '' : ` - ${conditions.join(', ')}`,
  ].join('')
}

/** @param {{ chosen: string, property: string, scope: string, eventsPerUserDay: number }} choice */
function numbersInWords(choice) {
  const { chosen, scope, eventsPerUserDay } = choice
  const what = quantity(choice)
  const time = times[scope]
  const inSentence = what.startsWith('API') ? what : what.charAt(0).toLowerCase() + what.slice(1)
  if (chosen === 'Average') {
    const per = eventsPerUserDay > 1 ? 'event' : 'user and active day'
    return `Average ${inSentence} per ${per}${scope === 'Daily' ? '' : `, each ${time}`}`
  }
  if (chosen === 'Min' || chosen === 'Max') {
    return `${chosen === 'Min' ? 'Lowest' : 'Highest'} ${inSentence} of an event, each ${time}`
  }
  return `${what} per ${time}`
}

/** @param {[field: string, operator: string, value: string]} filter */
function conditionInWords([field, operator, value]) {
  const words = operators[operator] ?? operator
  const isMember = field === 'accountId' || field === 'identifyId'
  if (isMember && (operator === '==' || operator === '!=')) return `${words} ${plain(value)}`
  if (operator === '~') return `${words} ${plain(value.replace(/^\*|\*$/g, ''))} in ${fieldInWords(field)}`
  if (operator === '>=' || operator === '<=') return `only ${fieldInWords(field)} ${words} ${plain(value)}`
  return `${words} ${fieldInWords(field)} ${plain(value)}`
}
