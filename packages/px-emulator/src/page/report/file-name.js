/**
 * Returns a file name that says what is in the file: `dailyApiCalls-sum-apiCalls-daily-by-accountId-2026-11-01-to-2026-11-30.csv`.
 *
 * @param {{ eventName: string, chosen: string, property: string, scope: string, by: string, filters: string[][] }} choice
 * @param {{ from: string, to: string }} range
 * @param {string} ending
 */
export function fileName({ eventName, chosen, property, scope, by, filters }, { from, to }, ending) {
  const parts = [
    eventName,
    chosen.toLowerCase(),
    ...(chosen === 'Count' || chosen === 'Users' ? [] : [property]),
    scope.toLowerCase(),
    ...(by === '' ? [] : ['by', by]),
    ...filters.flatMap(([, , value]) => ['only', value ?? '']),
    from,
    'to',
    to,
  ]
  // Names come from events. Not every system accepts every character, nor more than 255 of them.
  const safe = parts.map((part) =>
    part
      .replace(/[^A-Za-z0-9_.]+/g, '-')
      .replace(/^[-.]+|[-.]+$/g, '')
      .slice(0, 40),
  )
  return `${safe
    .map((part, at) => (part === '' ? '_' : part) + (at === parts.length - 1 ? '' : '-'))
    .join('')
    .slice(-180)}${ending}`
}
