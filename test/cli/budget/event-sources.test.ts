import { expect, test } from 'vitest'
import { EventSources } from '../../../packages/cli/src/budget/event-sources.ts'

test('what makes the events is counted: endpoints, properties and users', () => {
  const sources = new EventSources('dailyEndpointCalls')
  for (const user of ['ann', 'bob']) {
    for (const endpoint of ['/a', '/b', '/c']) {
      for (const plan of ['free', 'pro']) {
        const attributes = { apiCalls: 1, apiType: 'RESTful', method: 'GET', endpoint, plan }
        sources.see({
          identifyId: user,
          attributes: { ...attributes, rollupId: `${user}${endpoint}${plan}` },
        })
      }
    }
  }
  sources.see({ identifyId: 'eve', attributes: { apiCalls: 1 } })
  expect(sources.result()).toEqual({
    eventName: 'dailyEndpointCalls',
    events: 12,
    identities: 2,
    savings: [
      { eventName: 'dailyEndpointCalls', change: 'leave out the rollup by endpoint', saved: 12 },
      { eventName: 'dailyEndpointCalls', change: 'fold all endpoints of a user into one', saved: 8 },
      { eventName: 'dailyEndpointCalls', change: 'leave out the property plan', saved: 6 },
    ],
  })
})
