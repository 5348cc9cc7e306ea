import type { EventTable } from '../columnar/event-table.ts'
import { PxError } from '../px-error.ts'
import { cellValues, mostPerUserDay } from './report-cells.ts'
import { dayText, scopes } from './report-period.ts'
import { type ReportQuery, type ReportSettings, reportFunctions } from './report-query.ts'
import { dayRange, periodNumbers, periodsBetween } from './report-range.ts'
import { type ReportRows, takeRows } from './report-rows.ts'

export interface Report {
  /** First and last day of the report. */
  from: string
  to: string
  /** First day of each day, week or month, without gaps. */
  periods: string[]
  /** The nine largest lines, largest first, and one line for all others, which has their number as `folded`. */
  series: { name: string; values: (number | null)[]; folded?: number }[]
  /** Number of events in the report. */
  events: number
  /** The days of the oldest and of the newest event of this name, also outside the range; `null` without events. */
  oldest: string | null
  newest: string | null
  /**
   * The most events that one user has on one day within one of the nine largest lines. Above 1, Average is not an average per
   * day. 0 unless the function is Average and it divides by events.
   */
  eventsPerUserDay: number
}

const maxLines = 9

/**
 * Computes a chart over custom events as PX's article "Tracking Server Side Usage Data" describes it. Average divides by the number
 * of events.
 *
 * @throws {PxError} 400 for an unknown function, scope, zone or range
 */
export function report(table: EventTable, query: ReportQuery, settings: ReportSettings): Report {
  if (!reportFunctions.includes(query.function)) refuse('function', query.function, reportFunctions)
  if (!scopes.includes(query.scope)) refuse('scope', query.scope, scopes)
  const shapes = table.shapes.filter(({ eventName }) => eventName === query.eventName)
  const range = dayRange(shapes, query, settings)
  const { first: from, last: to } = range
  const periods = periodsBetween(from, to, query.scope, settings.weekStart)
  const needsNumber = query.function !== 'Count' && query.function !== 'Users'
  const rows = takeRows(shapes, {
    property: query.property,
    by: query.by,
    filters: query.filters ?? [],
    from,
    to,
    needsNumber,
    numericStrings: settings.numericStrings,
    daysOf: (shape) => settings.daysOf(shape, query.timeZone),
  })
  const { names, shownLine, folded } = largestLines(rows, needsNumber)
  const periodOfDay = periodNumbers(range, periods)
  const users = table.identities.identifyId.texts.length
  const layout = { shownLine, lines: names.length, periodOfDay, periods: periods.length, users }
  const values = cellValues(rows, layout, query.function, settings.averagePer)
  return {
    from: dayText(from),
    to: dayText(to),
    periods: periods.map(dayText),
    series: names.map((name, line) => ({
      name: query.by ? name : query.eventName,
      values: values.slice(line * periods.length, (line + 1) * periods.length),
      ...(line === maxLines ? { folded } : {}),
    })),
    events: rows.length,
    oldest: range.oldest === undefined ? null : dayText(range.oldest),
    newest: range.newest === undefined ? null : dayText(range.newest),
    eventsPerUserDay:
      query.function === 'Average' && settings.averagePer === 'event'
        ? mostPerUserDay(rows, layout, Math.min(names.length, maxLines))
        : 0,
  }
}

function refuse(name: string, value: unknown, known: readonly string[]): never {
  throw new PxError(400, `${name} ${JSON.stringify(value)} is not one of ${known.join(', ')}`)
}

/** Returns the names of the lines to show, largest first, and the line to show for each line of the rows. */
function largestLines(
  rows: ReportRows,
  byValue: boolean,
): { names: string[]; shownLine: Uint32Array; folded: number } {
  const lines = rows.names.length
  const sizes = new Float64Array(lines)
  for (let row = 0; row < rows.length; row += 1) {
    sizes[rows.lines[row]!]! += byValue ? Math.abs(rows.values[row]!) : 1
  }
  const largest: number[] = []
  for (let line = 0; line < lines; line += 1) {
    if (largest.length === maxLines && sizes[line]! <= sizes[largest.at(-1)!]!) continue
    const place = largest.findIndex((other) => sizes[other]! < sizes[line]!)
    largest.splice(place === -1 ? largest.length : place, 0, line)
    if (largest.length > maxLines) largest.pop()
  }
  const shownLine = new Uint32Array(lines).fill(maxLines)
  largest.forEach((line, rank) => {
    shownLine[line] = rank
  })
  const names = largest.map((line) => rows.names.textOf(line))
  const folded = lines - names.length
  if (folded > 0) names.push(`(${folded.toLocaleString('en')} more)`)
  return { names, shownLine, folded }
}
