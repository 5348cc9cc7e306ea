import { expect, test } from 'vitest'
import { eventsPath } from '../../../packages/cli/src/px/events-query.ts'

test('the range is in each filter and beside it, and operators are encoded', () => {
  const path = eventsPath({
    startMs: 1,
    endMs: 9,
    filters: [['eventName==a'], []],
    pageSize: 5,
    scrollId: 'x=',
  })
  const { searchParams } = new URL(path, 'http://px')
  expect(Object.fromEntries(searchParams)).toMatchObject({
    dateRangeStart: '1',
    dateRangeEnd: '9',
    pageSize: '5',
    scrollId: 'x=',
  })
  expect(searchParams.getAll('filter')).toEqual(['eventName==a;date>=1;date<=9', 'date>=1;date<=9'])
  expect(path).not.toMatch(/[<>]/)
})
