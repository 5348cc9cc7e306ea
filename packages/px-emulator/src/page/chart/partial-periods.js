const dayMs = 86_400_000

/**
 * Returns for each period how many of its days lie within the range and between the first and the last event. A week with 3 of its 7
 * days looks like a drop, so such a period is drawn in another way.
 *
 * @param {{ periods: string[], from: string, to: string, oldest: string | null, newest: string | null }} report
 * @param {string} scope
 * @returns {{ covered: number, days: number }[]}
 */
export function coverage({ periods, from, to, oldest, newest }, scope) {
  const first = Math.max(Date.parse(from), Date.parse(oldest ?? from))
  const last = Math.min(Date.parse(to), Date.parse(newest ?? to))
  return periods.map((period) => {
    const start = new Date(period)
    const end = new Date(period)
    if (scope === 'Monthly') end.setUTCMonth(end.getUTCMonth() + 1)
    else end.setUTCDate(end.getUTCDate() + (scope === 'Weekly' ? 7 : 1))
    const days = Math.round((end.getTime() - start.getTime()) / dayMs)
    const until = Math.min(end.getTime() - dayMs, last)
    const covered = Math.round((until - Math.max(start.getTime(), first)) / dayMs) + 1
    return { covered: Math.max(0, covered), days }
  })
}

/**
 * Whether a period lacks some of its days. A period outside all events is empty and not partial, and a day has no parts.
 *
 * @param {{ covered: number, days: number } | undefined} period
 */
export function isPartial(period) {
  return period !== undefined && period.covered > 0 && period.covered < period.days
}
