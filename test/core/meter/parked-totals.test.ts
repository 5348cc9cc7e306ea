import { expect, it } from 'vitest'
import { apiCalls } from '../../../packages/core/src/counting/instruments.ts'
import { decodeTotals, encodeTotals } from '../../../packages/core/src/meter/parked-totals.ts'
import type { SeriesTotal } from '../../../packages/core/src/model/series.ts'

it('parked totals come back as they were, in their order', () => {
  const total = (userId: string, more: Partial<SeriesTotal['series']> = {}, first = 1): SeriesTotal => ({
    series: { instrument: apiCalls, identity: { userId }, properties: { apiType: 'RESTful' }, ...more },
    values: [first, 0, 0, 0],
  })
  const totals = [
    total('bob', { endpoint: { method: 'GET', route: '/v1' } }),
    total('ann'),
    total('bob', {
      identity: { userId: 'bob', accountId: 'acme' },
      endpoint: { method: 'GET', route: '/v1' },
    }),
    total('\ud800 "x"\n', { properties: { beta: true, tier: 2 } }, Number.MAX_SAFE_INTEGER),
  ]
  expect(decodeTotals(encodeTotals(totals))).toEqual(totals)
  expect(decodeTotals(encodeTotals([]))).toEqual([])
})
