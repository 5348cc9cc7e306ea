import { describe, expect, test } from 'vitest'
import type { ReportQuery } from '../../../packages/px-emulator/src/report/report-query.ts'
import {
  dayRange,
  periodNumbers,
  periodsBetween,
} from '../../../packages/px-emulator/src/report/report-range.ts'
import { day, eventOf, onDay, reportSettings, shapesOf } from '../../support/event-table.ts'

const query: ReportQuery = {
  ...{ eventName: 'dailyApiCalls', property: 'apiCalls', function: 'Sum', scope: 'Daily', timeZone: 'UTC' },
}

/** The range, in days from 2026-11-23. The report is made on the day after. */
function range(days: readonly number[], given: Partial<ReportQuery> = {}): number[] {
  const shapes = shapesOf(...days.map((offset) => eventOf({ apiCalls: 1 }, onDay(offset))))
  const { first, last } = dayRange(shapes, { ...query, ...given }, reportSettings())
  return [first - day, last - day]
}

describe('dayRange()', () => {
  test.each<[string, number[], number[]]>([
    ['the last week, for events within it', [-1, 0], [-6, 0]],
    ['all days with events, up to 90', [-40, 0], [-40, 0]],
    ['the last 90 days, for older events', [-300, 0], [-89, 0]],
    ['the week until the newest event', [-30, -30], [-36, -30]],
    ['the week until today, without events', [], [-5, 1]],
  ])('without a range is %s', (_what, days, expected) => {
    expect(range(days)).toEqual(expected)
  })

  test('begins and ends where the query says', () => {
    expect(range([0], { from: '2026-11-01', to: '2026-11-30' })).toEqual([-22, 7])
    expect(range([0], { from: '2026-11-20' })).toEqual([-3, 0])
    expect(range([0], { from: '2026-12-20' })).toEqual([27, 27])
    expect(range([-300, 0], { to: '2026-11-10' })).toEqual([-102, -13])
  })

  test('of some days ends with the newest event, or where the query says', () => {
    expect(range([-40, 0], { days: 30 })).toEqual([-29, 0])
    expect(range([-40, 0], { days: 7, to: '2026-11-10' })).toEqual([-19, -13])
    expect(range([-40, 0], { days: 7, from: '2026-11-22' })).toEqual([-1, 0])
  })

  test('also says on which days there are events', () => {
    const shapes = shapesOf(eventOf({}, onDay(-300)), eventOf({}, onDay(0)))
    expect(dayRange(shapes, { ...query, days: 7 }, reportSettings())).toMatchObject({
      oldest: day - 300,
      newest: day,
    })
    expect(dayRange([], query, reportSettings())).not.toHaveProperty('oldest')
  })

  test('takes the days of the zone', () => {
    const shapes = shapesOf(eventOf({}, { date: Date.UTC(2026, 10, 23, 23) }))
    const { first, last } = dayRange(shapes, { ...query, timeZone: 'Asia/Tokyo' }, reportSettings())
    expect([first - day, last - day]).toEqual([-5, 1])
  })

  test('refuses a range that ends before it begins, and what is no day', () => {
    expect(() => range([0], { from: '2026-11-20', to: '2026-11-19' })).toThrow(
      '2026-11-20 is after 2026-11-19',
    )
    expect(() => range([0], { to: 'today' })).toThrow('"today" is not a day')
  })
})

describe('periodsBetween()', () => {
  const texts = (...args: Parameters<typeof periodsBetween>) =>
    periodsBetween(...args).map((each) => new Date(each * 86_400_000).toISOString().slice(0, 10))

  test('returns the first day of each period that overlaps the range', () => {
    expect(texts(day, day + 2, 'Daily', 'monday')).toEqual(['2026-11-23', '2026-11-24', '2026-11-25'])
    expect(texts(day - 1, day + 7, 'Weekly', 'monday')).toEqual(['2026-11-16', '2026-11-23', '2026-11-30'])
    expect(texts(day - 1, day + 7, 'Weekly', 'sunday')).toEqual(['2026-11-22', '2026-11-29'])
    expect(texts(day, day + 40, 'Monthly', 'monday')).toEqual(['2026-11-01', '2026-12-01', '2027-01-01'])
  })

  test('refuses more than 1100 points', () => {
    expect(periodsBetween(day, day + 1_099, 'Daily', 'monday')).toHaveLength(1_100)
    expect(() => periodsBetween(day, day + 1_100, 'Daily', 'monday')).toThrow('more than 1100 points')
    expect(periodsBetween(day, day + 1_100, 'Weekly', 'monday')).toHaveLength(158)
  })
})

test('periodNumbers() gives each day the number of its week', () => {
  const range = { first: day - 1, last: day + 7 }
  const weeks = periodsBetween(range.first, range.last, 'Weekly', 'monday')
  expect([...periodNumbers(range, weeks)]).toEqual([0, 1, 1, 1, 1, 1, 1, 1, 2])
})
