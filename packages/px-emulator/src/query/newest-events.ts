import { NumberColumn, TextColumn } from '../columnar/columns.ts'
import type { EventShape, EventTable } from '../columnar/event-table.ts'
import type { RowTest } from '../columnar/row-test.ts'

export interface EventSearch {
  /** The place before which the search begins: the newest events are the last ones. */
  before: number
  limit: number
  /** Text that a name or a value must contain, without regard to case; a number must be equal. @default all events */
  text?: string
}

/** Returns the places of the newest events, newest first. */
export function newestPlaces(table: EventTable, { before, limit, text = '' }: EventSearch): number[] {
  const tests = new Map<EventShape, RowTest>()
  const places: number[] = []
  for (let place = before - 1; place >= 0 && places.length < limit; place -= 1) {
    const [shape, row] = table.locate(place)
    let test = tests.get(shape)
    if (test === undefined) {
      test = text === '' ? () => true : containsText(shape, text.toLowerCase())
      tests.set(shape, test)
    }
    if (test(row)) places.push(place)
  }
  return places
}

const shortestId = 8

function containsText(shape: EventShape, text: string): RowTest {
  if (shape.eventName.toLowerCase().includes(text)) return () => true
  const tests: RowTest[] = []
  for (const { name, isAttribute, column } of shape.fields) {
    // Every event has the key, and a short text is within many ids that no sender gave.
    if (!isAttribute && (name === 'propertyKey' || (name === 'eventId' && text.length < shortestId))) continue
    if (column instanceof NumberColumn) {
      if (String(Number(text)) === text) tests.push((row) => column.at(row) === Number(text))
    } else if (column instanceof TextColumn && column.dictionary !== undefined) {
      const { texts } = column.dictionary
      const verdicts: boolean[] = []
      tests.push((row) => {
        const code = column.code(row)
        verdicts[code] ??= texts[code]!.toLowerCase().includes(text)
        return verdicts[code]
      })
    } else tests.push((row) => column.at(row).toLowerCase().includes(text))
  }
  return (row) => tests.some((test) => test(row))
}
