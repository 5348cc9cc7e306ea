import { expect, test } from 'vitest'
import { createEventTable } from '../../../packages/px-emulator/src/columnar/event-table.ts'
import { catalogOf, valuesOf } from '../../../packages/px-emulator/src/report/catalog.ts'
import { eventOf, tableOf } from '../../support/event-table.ts'

test('the catalog has the attributes of each event name, numbers apart from the others', () => {
  const table = tableOf(
    eventOf({ apiCalls: 1, plan: 'Pro' }),
    eventOf({ apiCalls: 2, region: 'eu', isTrial: true }),
    eventOf({ seats: 3 }, { eventName: 'seats', accountId: 'acme' }),
  )
  expect(catalogOf(table, 3)).toEqual({
    ...{ revision: '0.3', events: 3 },
    names: [
      { name: 'dailyApiCalls', events: 2, numbers: ['apiCalls'], groups: ['plan', 'region', 'isTrial'] },
      { name: 'seats', events: 1, numbers: ['seats'], groups: [] },
    ],
    timeZones: [],
  })
})

test('it leaves out events that are not visible yet, and changes its revision by a reset', () => {
  const table = createEventTable()
  table.push(eventOf({ apiCalls: 1 }), 100)
  table.push(eventOf({ apiCalls: 1 }, { eventName: 'later' }), 200)
  expect(catalogOf(table, table.reveal(100)).names.map(({ name }) => name)).toEqual(['dailyApiCalls'])
  expect(catalogOf(table, table.reveal(200))).toMatchObject({ revision: '0.2', events: 2 })
  table.clear()
  expect(catalogOf(table, 0)).toEqual({ revision: '1.0', events: 0, names: [], timeZones: [] })
})

test('it has at most 200 names, and 100 attributes of each kind', () => {
  const attributes = Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`n${at}`, at]))
  const names = Array.from({ length: 250 }, (_, at) => eventOf({ a: 1 }, { eventName: `event ${at}` }))
  const catalog = catalogOf(tableOf(eventOf(attributes), ...names), 251)
  expect(catalog.names).toHaveLength(200)
  expect(catalog.names[0]?.numbers).toHaveLength(100)
  expect(catalog.events).toBe(251)
})

test('valuesOf() returns the different values of a field, sorted, up to a limit', () => {
  const table = tableOf(
    eventOf({ plan: 'Pro' }),
    eventOf({ plan: 'Free' }, { identifyId: 'ben' }),
    eventOf({ PLAN: 'Pro', x: 1 }),
    eventOf({ plan: 'Other' }, { eventName: 'other' }),
  )
  expect(valuesOf(table, 'dailyApiCalls', 'plan', 10)).toEqual(['Free', 'Pro'])
  expect(valuesOf(table, 'dailyApiCalls', 'identifyId', 10)).toEqual(['ann', 'ben'])
  expect(valuesOf(table, 'dailyApiCalls', 'x', 10)).toEqual(['1'])
  expect(valuesOf(table, 'dailyApiCalls', 'missing', 10)).toEqual([])
  expect(valuesOf(table, 'dailyApiCalls', 'plan', 1)).toEqual(['Pro'])
})

test('the catalog names the zones of the events, at most 20', () => {
  const zones = ['Europe/Berlin', 'UTC', 'Europe/Berlin']
  expect(catalogOf(tableOf(...zones.map((timeZone) => eventOf({ timeZone }))), 3).timeZones).toEqual([
    'Europe/Berlin',
    'UTC',
  ])
  const many = Array.from({ length: 30 }, (_, at) => eventOf({ timeZone: `zone-${at}` }))
  expect(catalogOf(tableOf(...many), 30).timeZones).toHaveLength(20)
})
