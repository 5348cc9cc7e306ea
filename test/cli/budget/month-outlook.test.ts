import { expect, test } from 'vitest'
import { daysIn } from '../../../packages/cli/src/arguments/day-range.ts'
import { monthOutlook } from '../../../packages/cli/src/budget/month-outlook.ts'

const dayList = daysIn({ first: '2026-10-01', last: '2026-11-20' })

test('the month has the days that are closed, and a forecast of the others', () => {
  const outlook = monthOutlook(
    'a',
    dayList,
    dayList.map(() => 100),
  )
  expect(outlook).toEqual({ eventName: 'a', soFar: 2_000, thisMonth: 3_000, nextMonth: 3_100 })
})

test('days before the first event do not count as growth', () => {
  const counts = dayList.map((day) => (day < '2026-11-01' ? 0 : 100))
  expect(monthOutlook('a', dayList, counts)).toMatchObject({
    soFar: 2_000,
    thisMonth: 3_000,
    nextMonth: 3_100,
  })
  expect(
    monthOutlook(
      'a',
      dayList,
      dayList.map(() => 0),
    ),
  ).toMatchObject({ soFar: 0, thisMonth: 0, nextMonth: 0 })
})

test('the next month after December is January', () => {
  const days = daysIn({ first: '2026-12-01', last: '2026-12-31' })
  expect(
    monthOutlook(
      'a',
      days,
      days.map(() => 10),
    ),
  ).toMatchObject({ soFar: 310, thisMonth: 310, nextMonth: 310 })
})
