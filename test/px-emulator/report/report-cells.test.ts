import { expect, test } from 'vitest'
import { TextNumbers } from '../../../packages/px-emulator/src/columnar/text-numbers.ts'
import {
  type CellLayout,
  cellValues,
  mostPerUserDay,
} from '../../../packages/px-emulator/src/report/report-cells.ts'
import type { ReportRows } from '../../../packages/px-emulator/src/report/report-rows.ts'

type Row = [line: number, day: number, user: number, value: number]

function rowsOf(rows: readonly Row[]): ReportRows {
  const column = (at: 0 | 1 | 2) => Uint32Array.from(rows, (row) => row[at])
  return {
    ...{ length: rows.length, lines: column(0), days: column(1), users: column(2) },
    ...{ values: Float64Array.from(rows, (row) => row[3]), names: new TextNumbers() },
  }
}

/** Three lines, of which the last two are shown as one, over four days in two periods. */
const layout: CellLayout = {
  ...{ shownLine: Uint32Array.from([0, 1, 1]), lines: 2, users: 3 },
  ...{ periodOfDay: Uint32Array.from([0, 0, 1, 1]), periods: 2 },
}
const rows = rowsOf([
  [0, 0, 0, 5],
  [0, 0, 0, 7],
  [0, 1, 1, -3],
  [1, 3, 0, 10],
  [2, 3, 2, 20],
  [2, 3, 2, 60],
])

test.each([
  ['Sum', [9, 0, 0, 90]],
  ['Count', [3, 0, 0, 3]],
  ['Min', [-3, null, null, 10]],
  ['Max', [7, null, null, 60]],
  ['Average', [3, null, null, 30]],
  ['Users', [2, 0, 0, 2]],
] as const)('%s of each line and period', (wanted, expected) => {
  expect(cellValues(rows, layout, wanted, 'event')).toEqual(expected)
})

test('an average per user and day divides by the different users of each day', () => {
  // The first cell has ann on one day and ben on another; the last has two users on one day.
  expect(cellValues(rows, layout, 'Average', 'userDay')).toEqual([9 / 2, null, null, 90 / 2])
})

test('the most events of one user on one day are those within a shown line', () => {
  expect(mostPerUserDay(rows, layout, 2)).toBe(2)
  const oneLine = rowsOf([
    [0, 0, 0, 1],
    [0, 1, 0, 1],
    [1, 0, 0, 1],
    [1, 0, 0, 1],
    [2, 0, 0, 1],
  ])
  expect(mostPerUserDay(oneLine, layout, 2)).toBe(3)
  expect(mostPerUserDay(oneLine, layout, 1)).toBe(1)
  expect(mostPerUserDay(rowsOf([]), layout, 2)).toBe(0)
})
