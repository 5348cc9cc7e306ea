import { expect, test } from 'vitest'
import { daysIn, parseDayRange, shiftDay } from '../../../packages/cli/src/arguments/day-range.ts'

test('a day and a range of days are parsed, with the last day of a month', () => {
  expect(parseDayRange('2026-11-23')).toEqual({ first: '2026-11-23', last: '2026-11-23' })
  expect(daysIn(parseDayRange('2026-02-27..2026-03-01'))).toEqual(['2026-02-27', '2026-02-28', '2026-03-01'])
  expect([shiftDay('2026-03-01', -1), shiftDay('2026-12-31', 1)]).toEqual(['2026-02-28', '2027-01-01'])
})

test.each([
  '',
  'today',
  '2026-02-30',
  '2026-11-23..',
  '2026-11-2',
  '2026-11-23..2026-11-22',
  '2026-11-01..02..03',
])('%j is refused', (text) => {
  expect(() => parseDayRange(text)).toThrow(expect.objectContaining({ exitCode: 2 }))
})
