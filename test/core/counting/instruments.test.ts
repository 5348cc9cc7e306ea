import { expect, it } from 'vitest'
import { apiCalls, mergeValues, shownMeasures } from '../../../packages/core/src/counting/instruments.ts'

const seats = { name: 'seats', kind: 'last', measures: ['seats'] } as const

it('sums add up, to at most 2^53 - 1', () => {
  expect(mergeValues(apiCalls, [1, 2, 0, 0], [10, 0, 5])).toEqual([11, 2, 5, 0])
  expect(mergeValues(apiCalls, [Number.MAX_SAFE_INTEGER], [1])).toEqual([Number.MAX_SAFE_INTEGER])
})

it('of two readings the later one stays, whichever comes first', () => {
  expect(mergeValues(seats, [5, 100], [7, 200])).toEqual([7, 200])
  expect(mergeValues(seats, [7, 200], [5, 100])).toEqual([7, 200])
  expect(mergeValues(seats, [5, 100], [6, 100])).toEqual([6, 100])
})

it('an event shows the value of a reading without its time', () => {
  expect(shownMeasures({ ...seats, measures: ['seats', 'time'] })).toEqual(['seats'])
  expect(shownMeasures(apiCalls)).toEqual(['apiCalls', 'clientErrors', 'serverErrors', 'aborted'])
})
