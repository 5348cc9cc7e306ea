import { expect, test } from 'vitest'
import { condition } from '../../../packages/px-emulator/src/query/filter.ts'
import { overview } from '../../../packages/px-emulator/src/report/overview.ts'
import type { ReportQuery } from '../../../packages/px-emulator/src/report/report-query.ts'
import { eventOf, onDay, reportSettings, tableOf } from '../../support/event-table.ts'

const query: ReportQuery = {
  ...{ eventName: 'dailyApiCalls', property: 'apiCalls', function: 'Sum', scope: 'Daily', timeZone: 'UTC' },
  days: 2,
}
const settings = reportSettings()
const call = (offset: number, accountId: string, apiCalls: number, identifyId = accountId, more = {}) =>
  eventOf({ apiCalls, ...more }, { ...onDay(offset), accountId, identifyId })

const table = tableOf(
  call(-4, 'acme', 1_000),
  call(-3, 'acme', 10),
  call(-2, 'globex', 4),
  call(-1, 'acme', 7, 'ann', { clientErrors: 2, serverErrors: 1 }),
  call(0, 'acme', 1, 'bob'),
  call(0, 'globex', 20, 'gus'),
  eventOf({ apiCalls: 99 }, { eventName: 'other' }),
)

test('the totals of a range come with those of as many days before it', () => {
  const { from, to, now, before } = overview(table, query, settings, 10)
  expect([from, to]).toEqual(['2026-11-22', '2026-11-23'])
  expect(now).toEqual({ events: 3, users: 3, value: 28, apiCalls: 28, clientErrors: 2, serverErrors: 1 })
  expect(before).toEqual({ events: 2, users: 2, value: 14, apiCalls: 14, clientErrors: 0, serverErrors: 0 })
})

test('there is no comparison when the events do not go back as far', () => {
  expect(overview(table, { ...query, days: 3 }, settings, 10).before).toBeNull()
  expect(overview(tableOf(), query, settings, 10)).toMatchObject({ before: null, ranking: [], lines: 0 })
})

test('the largest accounts come first, with the value before and the trend by period', () => {
  expect(overview(table, query, settings, 10).ranking).toEqual([
    { name: 'globex', value: 20, before: 4, trend: [0, 20] },
    { name: 'acme', value: 8, before: 10, trend: [7, 1] },
  ])
  expect(overview(table, query, settings, 1)).toMatchObject({ ranking: [{ name: 'globex' }], lines: 2 })
  const byUser = overview(table, { ...query, by: 'identifyId' }, settings, 10)
  expect(byUser.ranking.map(({ name }) => name)).toEqual(['gus', 'ann', 'bob', 'acme', 'globex'])
})

test('a filter on accounts selects the totals, and leaves the ranking to choose from', () => {
  const filters = [condition('accountId', '==', 'acme')]
  const { now, ranking } = overview(table, { ...query, filters }, settings, 10)
  expect([now.value, ranking.length]).toEqual([8, 2])
  const other = [condition('identifyId', '==', 'bob')]
  expect(overview(table, { ...query, filters: other }, settings, 10).ranking).toEqual([
    { name: 'acme', value: 1, before: 0, trend: [0, 1] },
  ])
})
