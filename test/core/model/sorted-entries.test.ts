import { expect, it } from 'vitest'
import { sortedEntries } from '../../../packages/core/src/model/sorted-entries.ts'

it('returns the same entries for properties in any order', () => {
  const entries = [
    ['a', 1],
    ['b', 'x'],
  ]
  expect(sortedEntries({ a: 1, b: 'x' })).toEqual(entries)
  expect(sortedEntries({ b: 'x', a: 1 })).toEqual(entries)
})
