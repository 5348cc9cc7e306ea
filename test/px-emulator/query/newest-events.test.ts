import { expect, test } from 'vitest'
import { newestPlaces } from '../../../packages/px-emulator/src/query/newest-events.ts'
import { eventOf, tableOf } from '../../support/event-table.ts'

const table = tableOf(
  eventOf({ apiCalls: 12, endpoint: '/v1/orders' }),
  eventOf({ apiCalls: 120, endpoint: '/v1/Invoices' }),
  eventOf({ plan: { name: 'Pro' } }, { eventName: 'plans', accountId: 'acme' }),
  eventOf({ apiCalls: 7, endpoint: '/v1/orders' }, { identifyId: 'bob' }),
)
const found = (text: string, before = 4, limit = 10) => newestPlaces(table, { before, limit, text })

test('the newest events come first, from a place on, up to a limit', () => {
  expect(newestPlaces(table, { before: 4, limit: 3 })).toEqual([3, 2, 1])
  expect(newestPlaces(table, { before: 1, limit: 3 })).toEqual([0])
  expect(newestPlaces(table, { before: 0, limit: 3 })).toEqual([])
})

test('a search finds names and texts in any case, also within objects, and equal numbers', () => {
  expect(found('ORDERS')).toEqual([3, 0])
  expect(found('orders', 3)).toEqual([0])
  expect(found('invoices')).toEqual([1])
  expect(found('plans')).toEqual([2])
  expect(found('acme')).toEqual([2])
  expect(found('pro')).toEqual([2])
  expect(found('12')).toEqual([0])
  expect(found('bob')).toEqual([3])
  expect(found('nothing')).toEqual([])
})
