import type { Instrument } from '../model/series.ts'
import { apiCalls } from './instruments.ts'
import { type TakenRows, valuesPerRow } from './series-rows.ts'

/** The counts that one `take()` returned. Frozen. */
export interface TakenCounts {
  readonly size: number
  /** Number of API calls among them. */
  readonly calls: number
  /** Visits every series once; `gained` is reused between visits. */
  forEach(visit: (id: number, gained: ArrayLike<number>) => void): void
}

const rowLength = 1 + valuesPerRow

/** Reads rows that were taken. @param instrumentOf returns the instrument of a series */
export function readTaken(taken: TakenRows, instrumentOf: (id: number) => Instrument): TakenCounts {
  let calls = 0
  // An element of this list is a double for V8, and an id an integer.
  const idAt = (row: number) => (taken[row] as number) | 0
  for (let row = 0; row < taken.length; row += rowLength)
    if (instrumentOf(idAt(row)).name === apiCalls.name) calls += taken[row + 1] as number
  return {
    size: taken.length / rowLength,
    calls,
    forEach(visit) {
      let gained: number[] = []
      for (let row = 0; row < taken.length; row += rowLength) {
        const id = idAt(row)
        const { length } = instrumentOf(id).measures
        if (gained.length !== length) gained = new Array(length)
        for (let measure = 0; measure < length; measure++)
          gained[measure] = taken[row + 1 + measure] as number
        visit(id, gained)
      }
    },
  }
}
