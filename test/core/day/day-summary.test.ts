import { expect, test } from 'vitest'
import { apiCalls } from '../../../packages/core/src/counting/instruments.ts'
import { overflowEndpoint } from '../../../packages/core/src/counting/overflow.ts'
import { summarizeDay } from '../../../packages/core/src/day/day-summary.ts'
import type { SeriesTotal } from '../../../packages/core/src/model/series.ts'

test('totals are added up by endpoint, and a series of several journals counts once', async () => {
  const users = { method: 'GET', route: '/v1/users' }
  const call = (userId: string, endpoint: { method: string; route: string }, calls: number): SeriesTotal => ({
    series: { instrument: apiCalls, identity: { userId }, properties: { apiType: 'RESTful' }, endpoint },
    values: [calls, 0, 0, 0],
  })
  async function* totals() {
    yield call('ann', users, 2)
    yield call('ann', users, 3)
    yield call('bob', users, 4)
    yield call('bob', overflowEndpoint, 1)
    const rows = { name: 'rows', kind: 'sum', measures: ['rows'] } as const
    yield { series: { instrument: rows, identity: { userId: 'cid' }, properties: {} }, values: [900] }
  }
  expect(await summarizeDay(totals())).toEqual({
    calls: 10,
    series: 4,
    users: 3,
    instruments: ['apiCalls', 'rows'],
    endpoints: [
      { ...users, calls: 9, isFolded: false },
      { ...overflowEndpoint, calls: 1, isFolded: true },
    ],
  })
})
