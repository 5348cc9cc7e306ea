import { NumberColumn, TextColumn } from '../columnar/columns.ts'
import { type EventShape, fieldOf } from '../columnar/event-table.ts'
import { rowTest } from '../columnar/row-test.ts'
import { TextNumbers } from '../columnar/text-numbers.ts'
import type { Condition } from '../query/filter.ts'

/** The events of a report by column: line, day counted from the first day, user and value. */
export interface ReportRows {
  length: number
  lines: Uint32Array
  days: Uint32Array
  users: Uint32Array
  values: Float64Array
  /** The names of the lines, by number. */
  names: TextNumbers
}

export interface RowsWanted {
  property: string
  by: string | undefined
  filters: readonly Condition[]
  /** First and last day, in days since 1970-01-01. */
  from: number
  to: number
  /** Whether an event without a number in the property is left out. */
  needsNumber: boolean
  numericStrings: 'ignore' | 'count'
  daysOf(shape: EventShape): { at(row: number): number }
}

const noValue = '(none)'

export function takeRows(shapes: readonly EventShape[], wanted: RowsWanted): ReportRows {
  const size = shapes.reduce((sum, { visible }) => sum + visible, 0)
  const names = new TextNumbers()
  const lines = new Uint32Array(size)
  const days = new Uint32Array(size)
  const users = new Uint32Array(size)
  const values = new Float64Array(size)
  let length = 0
  for (const shape of shapes) {
    const shapeDays = wanted.daysOf(shape)
    const read = numberReader(shape, wanted.property, wanted.numericStrings)
    const line = lineReader(shape, wanted.by, names)
    const tests = wanted.filters.map((filter) => rowTest(shape, filter))
    const user = fieldOf(shape, 'identifyId')!.column as TextColumn
    for (let row = 0; row < shape.visible; row += 1) {
      const day = shapeDays.at(row)
      if (day < wanted.from || day > wanted.to) continue
      const value = read(row)
      if (wanted.needsNumber && Number.isNaN(value)) continue
      if (!tests.every((test) => test(row))) continue
      lines[length] = line(row)
      days[length] = day - wanted.from
      users[length] = user.code(row)
      values[length] = value
      length += 1
    }
  }
  return { length, lines, days, users, values, names }
}

/** Returns a function that reads the number in the property of a row; `NaN` if there is no number. */
export function numberReader(
  shape: EventShape,
  property: string,
  numericStrings: 'ignore' | 'count',
): (row: number) => number {
  const column = fieldOf(shape, property)?.column
  if (column instanceof NumberColumn) return (row) => column.at(row)
  if (!(column instanceof TextColumn) || numericStrings === 'ignore') return () => Number.NaN
  return (row) => {
    const text = column.at(row)
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  }
}

/** Returns a function that maps a row to the number of its line. Each different value is looked up once. */
export function lineReader(
  shape: EventShape,
  by: string | undefined,
  names: TextNumbers,
): (row: number) => number {
  const column = by ? fieldOf(shape, by)?.column : undefined
  if (column === undefined) {
    let line: number | undefined
    return () => {
      line ??= names.numberOf(by ? noValue : '')
      return line
    }
  }
  if (column instanceof TextColumn && column.dictionary === undefined) {
    return (row) => column.numberAmong(names, row)
  }
  if (column instanceof TextColumn) {
    const { texts } = column.dictionary!
    const lineOfCode: number[] = []
    const nothing = isJson(shape, column) ? 'null' : undefined
    return (row) => {
      const code = column.code(row)
      lineOfCode[code] ??= names.numberOf(texts[code] === nothing ? noValue : texts[code]!)
      return lineOfCode[code]
    }
  }
  const lineOfValue = new Map<unknown, number>()
  return (row) => {
    const value = column.at(row)
    const line = lineOfValue.get(value) ?? names.numberOf(String(value))
    lineOfValue.set(value, line)
    return line
  }
}

/** Whether the column holds values other than numbers and texts. In such a column `null` means no value. */
function isJson({ fields }: EventShape, column: TextColumn): boolean {
  return fields.some((field) => field.column === column && field.kind === 'json')
}
