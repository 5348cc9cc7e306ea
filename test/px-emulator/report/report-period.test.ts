import { expect, test } from 'vitest'
import { dayMs, emulator, event, post, start } from '../../support/started-emulator.ts'

test('Sum and Average by day, week and month in a chosen zone', async () => {
  await start()
  // Saturday evening in New York is Sunday in UTC; the last of October there is the first of November in UTC.
  for (const date of [Date.UTC(2026, 10, 1, 2), Date.UTC(2026, 10, 1, 12), Date.UTC(2026, 10, 2, 12)]) {
    await post({ ...event, date, attributes: { apiCalls: new Date(date).getUTCHours() } })
  }
  const chart = (fn: 'Sum' | 'Average', scope: 'Daily' | 'Weekly' | 'Monthly', timeZone: string) => {
    const range = { from: '2026-10-31', to: '2026-11-02' }
    const query = {
      eventName: 'dailyApiCalls',
      property: 'apiCalls',
      function: fn,
      scope,
      timeZone,
      ...range,
    }
    const { periods, series } = emulator.report(query)
    return Object.fromEntries(periods.map((period, at) => [period, series[0]?.values[at]]))
  }
  const newYork = 'America/New_York'
  expect(chart('Sum', 'Daily', newYork)).toEqual({ '2026-10-31': 2, '2026-11-01': 12, '2026-11-02': 12 })
  expect(chart('Sum', 'Daily', 'UTC')).toEqual({ '2026-10-31': 0, '2026-11-01': 14, '2026-11-02': 12 })
  expect(chart('Sum', 'Weekly', newYork)).toEqual({ '2026-10-26': 14, '2026-11-02': 12 })
  expect(chart('Average', 'Weekly', newYork)).toEqual({ '2026-10-26': 7, '2026-11-02': 12 })
  expect(chart('Sum', 'Monthly', newYork)).toEqual({ '2026-10-01': 2, '2026-11-01': 24 })
  expect(chart('Average', 'Monthly', 'UTC')).toEqual({ '2026-10-01': null, '2026-11-01': 26 / 3 })
})

test('Sum over a week is seven days, and Average over endpoint rows is no daily total', async () => {
  await start()
  const monday = Date.UTC(2026, 10, 9, 12)
  for (let day = 0; day < 7; day += 1) await post({ ...event, date: monday + day * dayMs })
  for (const apiCalls of [100, 10, 10]) await post({ ...event, eventName: 'rows', attributes: { apiCalls } })
  const query = { eventName: 'dailyApiCalls', property: 'apiCalls', timeZone: 'UTC' }
  const weekly = { ...query, scope: 'Weekly' as const, from: '2026-11-09', to: '2026-11-15' }
  expect(emulator.report({ ...weekly, function: 'Sum' }).series[0]?.values).toEqual([840])
  expect(emulator.report({ ...weekly, function: 'Average' }).series[0]?.values).toEqual([120])
  const rows = { ...query, eventName: 'rows', scope: 'Daily' as const, from: '2026-11-22', to: '2026-11-22' }
  const average = emulator.report({ ...rows, function: 'Average' })
  expect([average.series[0]?.values, average.eventsPerUserDay]).toEqual([[40], 3])
  emulator.setSwitches({ averagePer: 'userDay' })
  expect(emulator.report({ ...rows, function: 'Average' }).series[0]?.values).toEqual([120])
})
