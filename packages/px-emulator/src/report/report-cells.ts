import { membersPerGroup } from '../columnar/members-per-group.ts'
import type { ReportFunction } from './report-query.ts'
import type { ReportRows } from './report-rows.ts'

/** The cells of a report: one for each line and period. */
export interface CellLayout {
  /** The line to show, for each line of the rows. */
  shownLine: Uint32Array
  lines: number
  /** The period of each day. */
  periodOfDay: Uint32Array
  periods: number
  /** Number of users in the table. */
  users: number
}

/** Returns the value of each cell, line by line. Without events Sum and Count are 0, and the others are `null` or 0. */
export function cellValues(
  rows: ReportRows,
  layout: CellLayout,
  wanted: ReportFunction,
  averagePer: 'event' | 'userDay',
): (number | null)[] {
  const { shownLine, lines, periodOfDay, periods, users } = layout
  const size = lines * periods
  const cellOf = new Uint32Array(rows.length)
  const counts = new Float64Array(size)
  const sums = new Float64Array(size)
  const least = new Float64Array(size).fill(Number.POSITIVE_INFINITY)
  const most = new Float64Array(size).fill(Number.NEGATIVE_INFINITY)
  for (let row = 0; row < rows.length; row += 1) {
    const cell = shownLine[rows.lines[row]!]! * periods + periodOfDay[rows.days[row]!]!
    const value = rows.values[row]!
    cellOf[row] = cell
    counts[cell]! += 1
    sums[cell]! += value
    if (value < least[cell]!) least[cell] = value
    if (value > most[cell]!) most[cell] = value
  }
  const where = (values: Float64Array) =>
    Array.from(values, (value, cell) => (counts[cell] === 0 ? null : value))
  switch (wanted) {
    case 'Sum':
      return Array.from(sums)
    case 'Count':
      return Array.from(counts)
    case 'Min':
      return where(least)
    case 'Max':
      return where(most)
    case 'Users':
      return Array.from(
        membersPerGroup(cellOf, rows.users, { rows: rows.length, groups: size, members: users }).distinct,
      )
    case 'Average': {
      const divisors = averagePer === 'event' ? counts : userDays(rows, layout)
      return where(sums.map((sum, cell) => sum / divisors[cell]!))
    }
  }
}

/** Returns the most events that one user has on one day within one of the first `lines` lines. */
export function mostPerUserDay(rows: ReportRows, layout: CellLayout, lines: number): number {
  const groups = lineDays(rows, layout)
  const end = lines * layout.periodOfDay.length
  const users = new Uint32Array(rows.length)
  let length = 0
  for (let row = 0; row < rows.length; row += 1) {
    if (groups[row]! >= end) continue
    groups[length] = groups[row]!
    users[length] = rows.users[row]!
    length += 1
  }
  return membersPerGroup(groups, users, { rows: length, groups: end, members: layout.users }).most
}

/** Returns for each cell the number of different users of each of its days, added up. */
function userDays(rows: ReportRows, layout: CellLayout): Float64Array {
  const { lines, periodOfDay, periods, users } = layout
  const days = periodOfDay.length
  const sizes = { rows: rows.length, groups: lines * days, members: users }
  const perCell = new Float64Array(lines * periods)
  membersPerGroup(lineDays(rows, layout), rows.users, sizes).distinct.forEach((distinct, group) => {
    perCell[Math.floor(group / days) * periods + periodOfDay[group % days]!]! += distinct
  })
  return perCell
}

/** Returns for each row the number of its line and day: all days of the first line, then those of the second. */
function lineDays(rows: ReportRows, { shownLine, periodOfDay }: CellLayout): Uint32Array {
  const groups = new Uint32Array(rows.length)
  for (let row = 0; row < rows.length; row += 1) {
    groups[row] = shownLine[rows.lines[row]!]! * periodOfDay.length + rows.days[row]!
  }
  return groups
}
