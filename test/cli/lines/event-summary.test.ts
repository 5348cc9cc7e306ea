import { expect, test } from 'vitest'
import { createEventSummary } from '../../../packages/cli/src/lines/event-summary.ts'

test('events are added up by name and state, and only the first ones are kept', () => {
  const summary = createEventSummary(1)
  summary.add({ eventName: 'daily', state: 'pending', userId: 'ann', attributes: { apiCalls: 2 } })
  summary.add({ eventName: 'daily', state: 'pending', attributes: { apiCalls: 3 } })
  summary.add({ eventName: 'daily', state: 'delivered', attributes: { apiCalls: 'no number' } })
  expect(summary.result()).toMatchObject({
    total: 3,
    byName: [
      { eventName: 'daily', state: 'pending', events: 2, apiCalls: 5 },
      { eventName: 'daily', state: 'delivered', events: 1, apiCalls: 0 },
    ],
    events: [{ userId: 'ann' }],
  })
})
