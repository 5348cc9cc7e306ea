import type { Condition } from '../query/filter.ts'
import { TextColumn } from './columns.ts'
import { type EventShape, fieldOf } from './event-table.ts'

export type RowTest = (row: number) => boolean

/** Compiles a condition into a test of the rows of a shape. It is computed once for each text of a dictionary. */
export function rowTest(shape: EventShape, { field, holds }: Condition): RowTest {
  const found = fieldOf(shape, field)
  if (found === undefined) {
    const verdict = holds(field === 'eventName' ? shape.eventName : undefined)
    return () => verdict
  }
  const { column } = found
  if (!(column instanceof TextColumn) || column.dictionary === undefined) {
    return (row) => holds(column.at(row))
  }
  const { texts } = column.dictionary
  const verdicts: boolean[] = []
  return (row) => {
    const code = column.code(row)
    verdicts[code] ??= holds(texts[code])
    return verdicts[code]
  }
}
