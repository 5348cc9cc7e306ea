import { membersPerGroup } from './members-per-group.ts'
import type { ReportFunction } from './report.ts'
import type { ReportRows } from './report-rows.ts'

/** How the rows of a report are laid out: each line has a cell for each period. */
export interface CellLayout {
  /** The line that is shown, of each line of the rows. */
  shownLine: Uint32Array
  lines: number
  /** The period of each day. */
  periodOfDay: Uint32Array
  periods: number
  /** Users there are in all. */
  users: number
}

/** The value of each cell, line by line: without events a Sum is 0, an Average is nothing. */
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

/** Of each cell, the different users of each of its days, added up. */
function userDays(
  rows: ReportRows,
  { shownLine, lines, periodOfDay, periods, users }: CellLayout,
): Float64Array {
  const days = periodOfDay.length
  const groups = new Uint32Array(rows.length)
  for (let row = 0; row < rows.length; row += 1) {
    groups[row] = shownLine[rows.lines[row]!]! * days + rows.days[row]!
  }
  const sizes = { rows: rows.length, groups: lines * days, members: users }
  const perCell = new Float64Array(lines * periods)
  membersPerGroup(groups, rows.users, sizes).distinct.forEach((distinct, group) => {
    perCell[Math.floor(group / days) * periods + periodOfDay[group % days]!]! += distinct
  })
  return perCell
}
