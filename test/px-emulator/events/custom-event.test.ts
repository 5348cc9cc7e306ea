import { expect, test } from 'vitest'
import { emulator, event, find, november, nowMs, post, start } from '../../support/started-emulator.ts'

test('a valid event returns 201, and an exact repeat is stored again under a UUID of its own', async () => {
  await start()
  expect((await post(event)).status).toBe(201)
  expect((await post({ ...event, eventId: 'mine' })).status).toBe(201)
  const ids = emulator.events().map(({ eventId }) => eventId)
  expect(new Set(ids).size).toBe(2)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
})

test('an event without a date, or with null, gets the time of arrival, and past dates are taken', async () => {
  await start()
  const { date, ...undated } = event
  await post(undated)
  await post({ ...event, date: null })
  await post({ ...event, date: Date.UTC(2019, 0, 1) })
  expect(emulator.events().map((each) => each.date)).toEqual([nowMs, nowMs, Date.UTC(2019, 0, 1)])
})

test.each([
  ['an empty event name', { ...event, eventName: '' }, 'eventName'],
  ['an empty user', { ...event, identifyId: '' }, 'identifyId'],
  ['an empty product key', { ...event, propertyKey: '' }, 'propertyKey'],
  ['an empty user type', { ...event, userType: '' }, 'userType'],
  ['no event name', { ...event, eventName: undefined }, 'eventName'],
  ['no user', { ...event, identifyId: undefined }, 'identifyId'],
  ['no product key', { ...event, propertyKey: undefined }, 'propertyKey'],
  ['no user type', { ...event, userType: undefined }, 'userType'],
  ['an unknown user type', { ...event, userType: 'ROBOT' }, 'userType'],
  ['a date that is no integer', { ...event, date: 1.5 }, 'date'],
  ['a date that is a text', { ...event, date: '2026-11-23' }, 'date'],
  ['a date that no calendar has', { ...event, date: 9e15 }, 'date'],
  ['a user id that is a number', { ...event, identifyId: 7 }, 'identifyId'],
  ['a global context that is a text', { ...event, globalContext: 'x' }, 'globalContext'],
  ['an array', [event], ''],
])('%s returns 400 and names the field', async (_, body, field) => {
  await start()
  const refused = await post(body)
  expect(refused.status).toBe(400)
  const { status, message, subErrors } = refused.body.externalapierror
  expect([status, message]).toEqual(['BAD_REQUEST', 'Validation error'])
  expect(subErrors).toEqual([expect.objectContaining({ field, message: expect.any(String) })])
  expect(emulator.events()).toEqual([])
})

test('malformed JSON returns 400 with the text of the parser', async () => {
  await start()
  const { status, body } = await post('{"eventName":')
  expect(status).toBe(400)
  expect(body.externalapierror).toMatchObject({ status: 'BAD_REQUEST', message: 'Malformed JSON request' })
  expect(body.externalapierror.debugMessage).toContain('JSON')
})

test('numbers and booleans stay, nested values become a text, names keep their case and spaces', async () => {
  await start()
  const attributes = { apiCalls: 3.5, 'Is Beta': true, plan: { name: 'x' }, tags: ['a'], none: null }
  await post({ ...event, attributes })
  const stored = { apiCalls: 3.5, 'Is Beta': true, plan: '{"name":"x"}', tags: '["a"]', none: null }
  expect((await find(november)).body.customEvents[0].attributes).toEqual(stored)
  expect(emulator.events()[0]?.attributes).toEqual(stored)
})

test('a datetime in UTC is read back as epoch milliseconds, or as sent by switch', async () => {
  await start()
  const attributes = { at: '2026-11-22T10:00:00Z', day: '2026-11-22', odd: '2026-13-45T10:00:00Z' }
  await post({ ...event, attributes })
  const read = async () => (await find(november)).body.customEvents[0].attributes
  expect(await read()).toEqual({ ...attributes, at: Date.UTC(2026, 10, 22, 10) })
  emulator.setSwitches({ isoDates: 'text' })
  expect(await read()).toEqual(attributes)
})

test('names that differ in case only are one in a report, and come back as sent', async () => {
  await start()
  for (const name of ['apiCalls', 'APICALLS', 'apicalls']) await post({ ...event, attributes: { [name]: 5 } })
  const { series } = emulator.report({
    eventName: 'dailyApiCalls',
    property: 'ApiCalls',
    function: 'Sum',
    scope: 'Daily',
    timeZone: 'UTC',
    from: '2026-11-22',
    to: '2026-11-22',
  })
  expect(series[0]?.values).toEqual([15])
  const { customEvents } = (await find(november)).body
  expect(customEvents.map(({ attributes }: { attributes: object }) => Object.keys(attributes)[0])).toEqual([
    'apiCalls',
    'APICALLS',
    'apicalls',
  ])
})
