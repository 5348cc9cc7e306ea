import { expect, it } from 'vitest'
import type { DayUsage } from '../../../packages/core/src/day/rollup.ts'
import {
  eventsPath,
  rollupEvent,
  rollupIdOf,
  rollupLine,
  traceOf,
  trackedLine,
} from '../../../packages/core/src/px/px-event.ts'

const settings = {
  productKey: 'AP-TEST-2',
  timeZone: 'UTC',
  noon: (day: string) => Date.parse(`${day}T12:00Z`),
}
const usage: DayUsage = {
  eventName: 'dailyApiCalls',
  day: '2026-11-23',
  identity: { userId: 'ann', accountId: 'acme' },
  properties: { apiType: 'RESTful' },
  endpoint: { method: 'GET', route: '/users/:id' },
  measures: { apiCalls: 7 },
  revision: 0,
  rollupId: 'id-1',
  rank: 'detail',
  calls: 7,
}

it('a day of an endpoint becomes one event at noon of that day', () => {
  const date = Date.UTC(2026, 10, 23, 12)
  expect(rollupEvent(usage, settings)).toEqual({
    eventName: 'dailyApiCalls',
    identifyId: 'ann',
    accountId: 'acme',
    propertyKey: 'AP-TEST-2',
    userType: 'USER',
    date,
    attributes: {
      timestamp: date,
      apiCalls: 7,
      apiType: 'RESTful',
      method: 'GET',
      endpoint: '/users/:id',
      day: '2026-11-23',
      timeZone: 'UTC',
      rollupId: 'id-1',
    },
  })
})

it('an event without an account or an endpoint has no such fields, and a revision names itself', () => {
  const event = rollupEvent(
    { ...usage, identity: { userId: 'ann' }, endpoint: undefined, revision: 2 },
    settings,
  )
  expect(event).not.toHaveProperty('accountId')
  expect(event.attributes).not.toHaveProperty('endpoint')
  expect(event.attributes.revision).toBe(2)
})

it('a line carries the event, and leads back to it in PX', () => {
  const line = rollupLine(usage, settings)
  expect(line).toMatchObject({ id: 'id-1', kind: 'event', rank: 'detail', calls: 7, day: '2026-11-23' })
  expect(traceOf(line.body)).toEqual({
    eventName: 'dailyApiCalls',
    userId: 'ann',
    date: Date.UTC(2026, 10, 23, 12),
  })
  expect(rollupIdOf(JSON.parse(line.body))).toBe('id-1')
})

it('a tracked event has its own time, and its id as rollupId', () => {
  const tracked = {
    id: 'id-2',
    eventName: 'signup',
    identity: { userId: 'ann' },
    properties: { plan: 'pro' },
  }
  const line = trackedLine({ ...tracked, day: '2026-11-23', atMs: 5 }, 'AP-TEST-2')
  expect(line).toMatchObject({ id: 'id-2', rank: 'total', calls: 0 })
  expect(JSON.parse(line.body)).toMatchObject({ date: 5, attributes: { plan: 'pro', rollupId: 'id-2' } })
})

it('the id is found in any case of the attribute name, and nowhere else', () => {
  expect(rollupIdOf({ attributes: { ROLLUPID: 'x' } })).toBe('x')
  expect([{}, { attributes: null }, { attributes: { rollupId: 5 } }].map(rollupIdOf)).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

it('a look-up asks for a minute around the event, and filters by what needs no escape', () => {
  const { searchParams } = new URL(
    eventsPath({ eventName: 'daily calls', date: 100_000, userId: 'ann@x.y' }),
    'https://px.example',
  )
  expect(Object.fromEntries(searchParams)).toEqual({
    filter: 'identifyId==ann@x.y;date>=40000;date<=160000',
    dateRangeStart: '40000',
    dateRangeEnd: '160000',
  })
  expect(() => eventsPath({ eventName: 'a', date: 0, userId: 'a;b' })).toThrow(TypeError)
})
