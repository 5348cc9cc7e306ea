import { describe, expect, test } from 'vitest'
import {
  compareValues,
  pageSizeOf,
  readScroll,
  scrollIdOf,
  sortKeys,
} from '../../../packages/px-emulator/src/query/scroll.ts'

const query = (text: string) => new URLSearchParams(text)

describe('readScroll()', () => {
  test('starts at the beginning without a scrollId', () => {
    const first = query('filter=plan==pro')
    expect(readScroll(first, 5_000, 70)).toEqual({ query: first, offset: 0, startedMs: 5_000, upTo: 70 })
    expect(readScroll(query('scrollId='), 5_000, 70)).toMatchObject({ offset: 0, upTo: 70 })
  })

  test('continues with the query, the time and the end of the first page', () => {
    const first = query('filter=plan==pro%3Bx~*☃&filter=b==1&sort=-date')
    const scrollId = scrollIdOf({ query: first, offset: 25, startedMs: 5_000, upTo: 70 })
    expect(scrollId).toMatch(/^[\w-]+$/)
    const next = readScroll(query(`scrollId=${scrollId}&sort=ignored`), 9_000, 99)
    expect(next).toMatchObject({ offset: 25, startedMs: 5_000, upTo: 70 })
    expect(next.query.toString()).toBe(first.toString())
  })

  test.each(['nonsense', 'bnVsbA', scrollIdOf({ query: query(''), offset: 0.5, startedMs: 1, upTo: 1 })])(
    'refuses the scrollId %s, which the emulator did not issue',
    (scrollId) => {
      expect(() => readScroll(query(`scrollId=${scrollId}`), 0, 0)).toThrow(
        expect.objectContaining({ statusCode: 400, message: `Unknown scrollId "${scrollId}"` }),
      )
    },
  )
})

test('pageSizeOf() is 25 by default, and at most 1000', () => {
  expect([
    pageSizeOf(query('')),
    pageSizeOf(query('pageSize=1')),
    pageSizeOf(query('pageSize=1000')),
  ]).toEqual([...[25, 1], 1_000])
  for (const size of ['0', '1001', '-1', '2.5', 'all', '']) {
    expect(() => pageSizeOf(query(`pageSize=${size}`))).toThrow('pageSize must be between 1 and 1000')
  }
})

test('sortKeys() reads up to ten keys, descending with a minus', () => {
  expect(sortKeys(query(''))).toEqual([])
  expect(sortKeys(query('sort=-date;accountId;'))).toEqual([
    { field: 'date', descending: true },
    { field: 'accountId', descending: false },
  ])
  expect(sortKeys(query(`sort=${'a;'.repeat(10)}`))).toHaveLength(10)
  expect(() => sortKeys(query(`sort=${'a;'.repeat(11)}`))).toThrow('10 fields at most')
})

test('compareValues() sorts numbers and texts, with what is absent first', () => {
  expect([3, undefined, 1, null, 2].sort(compareValues as never).filter(Number)).toEqual([1, 2, 3])
  expect([5, null, 4].sort(compareValues)).toEqual([null, 4, 5])
  expect(['b', 'a', 'B'].sort(compareValues)).toEqual(['B', 'a', 'b'])
  expect([compareValues(null, undefined), compareValues(undefined, 0), compareValues(0, null)]).toEqual([
    ...[0, -1],
    1,
  ])
})
