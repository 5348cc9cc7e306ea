import { expect, test } from 'vitest'
import type { PropertyType, SeenEvents } from '../../../packages/cli/src/set-up/seen-events.ts'
import { setUpSheet } from '../../../packages/cli/src/set-up/set-up-sheet.ts'

const keys = { address: 'https://api.aptrinsic.com', productKey: 'AP-TEST-2', timeZone: 'UTC' }
const noNames = { user: [], account: [] }

function seen(
  events: Record<string, Record<string, PropertyType>>,
  more: Partial<SeenEvents> = {},
): SeenEvents {
  const maps = Object.entries(events).map(([name, of]) => [name, new Map(Object.entries(of))] as const)
  return {
    ...{ events: new Map(maps), rollups: undefined },
    attributes: { user: new Set(), account: new Set() },
    ...more,
  }
}

test('without counts the sheet has the events of the default options', () => {
  const { isSeen, events, reports } = setUpSheet(undefined, noNames, keys)
  expect(isSeen).toBe(false)
  expect(events.map(({ eventName }) => eventName)).toEqual(['dailyApiCalls', 'dailyEndpointCalls'])
  expect(events[1]?.properties).toContainEqual({
    ...{ name: 'endpoint', type: 'text', meaning: 'Route template of the endpoint' },
  })
  expect(reports.map(({ title }) => title)).toEqual([
    'Calls of each day',
    'Accounts that call most',
    'Calls of a user on an active day',
    'Users who call',
    'Calls per user of a week',
    'Endpoints in use',
    'Endpoints that fail',
  ])
})

test('Average is never advised for events by endpoint, whatever the rollups call them', () => {
  const events = seen(
    {
      calls: { apiCalls: 'number', day: 'text' },
      callsOfEndpoints: { apiCalls: 'number', endpoint: 'text', day: 'text' },
    },
    {
      rollups: [
        { eventName: 'calls', by: 'identity' },
        { eventName: 'callsOfEndpoints', by: 'endpoint' },
      ],
    },
  )
  const { reports } = setUpSheet(events, noNames, keys)
  const averages = reports.filter((report) => report.function === 'Average')
  expect(averages.map(({ eventName }) => eventName)).toEqual(['calls'])
})

test('a number of the app has a report of its Sum, and an event of track() has no day', () => {
  const events = seen({
    dailyExports: { rows: 'number', day: 'text', timestamp: 'number' },
    reportExported: { format: 'text', timestamp: 'number' },
  })
  const sheet = setUpSheet(events, noNames, keys)
  expect(sheet.reports).toEqual([
    {
      ...{ title: 'Sum of rows', eventName: 'dailyExports', property: 'rows' },
      ...{ function: 'Sum', scope: 'Daily', by: 'Account' },
    },
  ])
  expect(sheet.events.map(({ oneFor }) => oneFor)).toEqual([
    'each user, account, set of properties and day',
    'each call of track()',
  ])
})

test('attributes that are named and those that wait in the outbox are listed once', () => {
  const more = { attributes: { user: new Set(['calls']), account: new Set(['calls', 'seats']) } }
  const { attributes } = setUpSheet(seen({}, more), { user: [], account: ['seats', 'plan'] }, keys)
  expect(attributes.map(({ of, apiName }) => `${of} ${apiName}`)).toEqual([
    'user calls',
    'account seats',
    'account plan',
    'account calls',
  ])
})
