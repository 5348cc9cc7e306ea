/**
 * Warns about two choices whose numbers are easily misread: a Sum over more than a day, and an Average over several events of one
 * user and day. Returns an empty text for all others.
 *
 * @param {string} chosen
 * @param {string} scope
 * @param {{ eventsPerUserDay: number }} report
 */
export function hint(chosen, scope, { eventsPerUserDay }) {
  if (chosen === 'Sum' && scope !== 'Daily') {
    const [span, times] = scope === 'Weekly' ? ['a week', 7] : ['a month', 30]
    return `Sum over ${span} is the total of that time, about ${times} times a daily figure. For a usual day choose the scope Daily. Average is something else: it is per user and active day.`
  }
  if (chosen === 'Average' && eventsPerUserDay > 1) {
    return `A user has up to ${eventsPerUserDay} of these events on one day. Average divides by events, so this is not a daily total per user. Choose Sum, or an event with one line per user and day.`
  }
  return ''
}
