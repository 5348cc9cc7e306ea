import type { TextColumn } from '../columnar/columns.ts'
import { type EventShape, type EventTable, fieldOf } from '../columnar/event-table.ts'
import { rowTest } from '../columnar/row-test.ts'
import { TextNumbers } from '../columnar/text-numbers.ts'
import { dayText } from './report-period.ts'
import type { ReportQuery, ReportSettings } from './report-query.ts'
import { dayRange, periodNumbers, periodsBetween } from './report-range.ts'
import { lineReader, numberReader } from './report-rows.ts'

/** Totals of some days. */
interface Totals {
  events: number
  /** Different users with an event. */
  users: number
  /** Sum of the property of the report. */
  value: number
  /** Sums of the attributes with these names. */
  apiCalls: number
  clientErrors: number
  serverErrors: number
}

interface RankedLine {
  name: string
  value: number
  /** The value of as many days before the range. */
  before: number
  /** The value of each period of the report. */
  trend: number[]
}

/** What the tiles and the ranking beside a chart show. */
export interface Overview {
  from: string
  to: string
  now: Totals
  /** As many days before the range; `null` if the events do not go back that far. */
  before: Totals | null
  /** The largest lines, also those that a filter on `by` leaves out, so that another one can be chosen. */
  ranking: RankedLine[]
  /** Number of all lines. */
  lines: number
}

const errors = ['apiCalls', 'clientErrors', 'serverErrors'] as const
const [isNow, isBefore] = [1, 2]

/**
 * Computes the totals of a range, those of as many days before it, and the largest accounts, or the largest values of `query.by`.
 *
 * @throws {PxError} 400 for an unknown zone or range
 */
export function overview(
  table: EventTable,
  query: ReportQuery,
  settings: ReportSettings,
  most: number,
): Overview {
  const shapes = table.shapes.filter(({ eventName }) => eventName === query.eventName)
  const range = dayRange(shapes, query, settings)
  const days = range.last - range.first + 1
  const start = range.first - days
  const { weekStart } = settings
  const periods = periodsBetween(range.first, range.last, query.scope, weekStart)
  const periodOfDay = periodNumbers(range, periods)
  const by = query.by || 'accountId'
  const names = new TextNumbers()
  const seen = new Uint8Array(table.identities.identifyId.texts.length)
  const [now, before] = [noTotals(), noTotals()]
  const values: number[] = []
  const valuesBefore: number[] = []
  const size = shapes.reduce((sum, { visible }) => sum + visible, 0)
  /** The rows in the range, kept for the trends of the few lines that are shown. */
  const rows = {
    length: 0,
    lines: new Uint32Array(size),
    periods: new Uint32Array(size),
    values: new Float64Array(size),
  }

  function addShape(shape: EventShape): void {
    const daysOf = settings.daysOf(shape, query.timeZone)
    const numberOf = numberReader(shape, query.property, settings.numericStrings)
    const errorsOf = errors.map((name) => [name, numberReader(shape, name, 'ignore')] as const)
    const lineOf = lineReader(shape, by, names)
    const filters = query.filters ?? []
    const isRanked = filters.filter(({ field }) => field !== by).map((each) => rowTest(shape, each))
    const isCounted = filters.filter(({ field }) => field === by).map((each) => rowTest(shape, each))
    const user = fieldOf(shape, 'identifyId')!.column as TextColumn
    for (let row = 0; row < shape.visible; row += 1) {
      const day = daysOf.at(row)
      if (day < start || day > range.last || !isRanked.every((test) => test(row))) continue
      const value = numberOf(row) || 0
      const isInRange = day >= range.first
      const line = lineOf(row)
      values[line] ??= 0
      valuesBefore[line] ??= 0
      if (isInRange) {
        values[line] += value
        rows.lines[rows.length] = line
        rows.periods[rows.length] = periodOfDay[day - range.first]!
        rows.values[rows.length] = value
        rows.length += 1
      } else valuesBefore[line] += value
      if (!isCounted.every((test) => test(row))) continue
      const totals = isInRange ? now : before
      totals.events += 1
      totals.value += value
      for (const [name, read] of errorsOf) totals[name] += read(row) || 0
      seen[user.code(row)]! |= isInRange ? isNow : isBefore
    }
  }

  shapes.forEach(addShape)
  for (const flags of seen) {
    if ((flags & isNow) !== 0) now.users += 1
    if ((flags & isBefore) !== 0) before.users += 1
  }
  const ranked = Array.from(values.keys())
    .sort((a, b) => values[b]! - values[a]! || valuesBefore[b]! - valuesBefore[a]!)
    .slice(0, most)
  const trends = new Map(ranked.map((line) => [line, periods.map(() => 0)]))
  for (let row = 0; row < rows.length; row += 1) {
    const trend = trends.get(rows.lines[row]!)
    if (trend !== undefined) trend[rows.periods[row]!]! += rows.values[row]!
  }
  return {
    from: dayText(range.first),
    to: dayText(range.last),
    now,
    before: range.oldest !== undefined && range.oldest <= start ? before : null,
    ranking: ranked.map((line) => ({
      name: names.textOf(line),
      value: values[line]!,
      before: valuesBefore[line]!,
      trend: trends.get(line)!,
    })),
    lines: values.length,
  }
}

function noTotals(): Totals {
  return { events: 0, users: 0, value: 0, apiCalls: 0, clientErrors: 0, serverErrors: 0 }
}
