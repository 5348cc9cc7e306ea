import { expect, test } from 'vitest'
import { factsOf, fingerprintOf } from '../../../packages/cli/src/audit/event-facts.ts'

const event = {
  eventName: 'dailyApiCalls',
  identifyId: 'ann',
  accountId: 'acme',
  propertyKey: 'AP-A-2',
  date: 5,
  attributes: {
    timestamp: 5,
    apiCalls: 3,
    apiErrors: 1,
    apiType: 'RESTful',
    day: '2026-11-23',
    rollupId: 'x',
  },
}
const dayOf = () => 'of its date'
const facts = (more: object = {}, attributes: object = {}) =>
  factsOf({ ...event, ...more, attributes: { ...event.attributes, ...attributes } }, dayOf)

test('an event has its numbers, its day and its id, whatever the case of the names', () => {
  expect(facts()).toMatchObject({
    id: 'x',
    day: '2026-11-23',
    revision: 0,
    measures: { apiCalls: 3, apiErrors: 1 },
  })
  const { day, ...rest } = event.attributes
  expect(factsOf({ ...event, attributes: rest }, dayOf).day).toBe('of its date')
  const upper = Object.fromEntries(
    Object.entries(event.attributes).map(([name, value]) => [name.toUpperCase(), value]),
  )
  expect(fingerprintOf(factsOf({ ...event, attributes: upper }, dayOf))).toBe(fingerprintOf(facts()))
})

test('a revision measures the same; another user, number or endpoint does not look the same', () => {
  expect(facts({}, { revision: 1, rollupId: 'y' }).entity).toBe(facts().entity)
  expect(facts({}, { endpoint: '/v1' }).entity).not.toBe(facts().entity)
  const prints = [
    facts(),
    facts({ identifyId: 'bob' }),
    facts({ accountId: undefined }),
    facts({}, { apiCalls: 4 }),
  ]
  expect(new Set(prints.map(fingerprintOf)).size).toBe(4)
})

test('a number that PX returns as a text is no number, because PX does not add it up', () => {
  expect(facts({}, { apiCalls: '3' }).measures).toEqual({ apiErrors: 1 })
})

test('an event without fields is empty', () => {
  expect(factsOf({}, dayOf)).toMatchObject({ id: undefined, userId: '', day: '', measures: {} })
})
