import { expect, test } from 'vitest'
import { ask, dayMs, emulator, event, nowMs, post, start, user } from '../../support/started-emulator.ts'

test('an eventId of the sender is kept, or kept once, where the switch says so', async () => {
  await start({ switches: { eventId: 'keep' } })
  const mine = { ...event, eventId: 'mine' }
  for (let turn = 0; turn < 2; turn += 1) await post(mine)
  expect(emulator.events().map(({ eventId }) => eventId)).toEqual(['mine', 'mine'])
  emulator.reset()
  emulator.setSwitches({ eventId: 'deduplicate' })
  for (let turn = 0; turn < 2; turn += 1) expect((await post(mine)).status).toBe(201)
  expect(emulator.events()).toHaveLength(1)
})

test('dates out of range are refused or dropped, and missing ones refused, by switch', async () => {
  await start({ switches: { oldestEventDays: 30, newestEventDays: 0, missingDate: 'refuse' } })
  expect((await post({ ...event, date: nowMs - 30 * dayMs })).status).toBe(201)
  expect((await post({ ...event, date: nowMs - 31 * dayMs })).status).toBe(400)
  expect((await post({ ...event, date: nowMs + dayMs })).status).toBe(400)
  expect((await post({ ...event, date: undefined })).status).toBe(400)
  emulator.setSwitches({ dateOutOfRange: 'drop' })
  expect((await post({ ...event, date: nowMs + dayMs })).status).toBe(201)
  expect(emulator.events()).toHaveLength(1)
})

test('a value of another type than the first is left out where the switch says so', async () => {
  await start({ switches: { attributeType: 'first' } })
  await post(event)
  await post({ ...event, attributes: { apiCalls: '120', apiType: 'RESTful' } })
  expect(emulator.events()[1]?.attributes).toEqual({ apiType: 'RESTful' })
})

test.each([
  ['unknownUser', {}],
  ['unknownAccount', { accountId: 'acme' }],
  ['unknownProductKey', { propertyKey: 'AP-OTHER-2' }],
  ['undeclaredEvent', {}],
] as const)('%s: stored, refused or dropped', async (name, more) => {
  await start()
  const outcome = async () => [(await post({ ...event, ...more })).status, emulator.events().length]
  expect(await outcome()).toEqual([201, 1])
  emulator.setSwitches({ [name]: 'refuse' })
  expect(await outcome()).toEqual([400, 1])
  emulator.setSwitches({ [name]: 'drop' })
  expect(await outcome()).toEqual([201, 1])
})

test('an unknown user and account are created by switch', async () => {
  await start({ switches: { unknownUser: 'create', unknownAccount: 'create' } })
  await post({ ...event, accountId: 'acme' })
  expect((await ask('GET', '/v1/users/ann')).body).toMatchObject({
    identifyId: 'ann',
    id: 'ann',
    accountId: 'acme',
  })
  expect((await ask('GET', '/v1/accounts/acme')).status).toBe(200)
})

test('a declared event name and a known user are taken by the strictest switches', async () => {
  await start({
    eventNames: ['dailyApiCalls'],
    switches: { undeclaredEvent: 'refuse', unknownUser: 'refuse', unknownProductKey: 'refuse' },
  })
  await ask('POST', '/v1/users', user('ann'))
  expect((await post(event)).status).toBe(201)
})

test('an event of a denied user returns 201 and is not stored', async () => {
  await start()
  expect((await ask('PUT', '/v1/users/denylist/ann', true)).status).toBe(204)
  expect((await post(event)).status).toBe(201)
  expect(emulator.events()).toEqual([])
  await ask('PUT', '/v1/users/denylist/ann', false)
  await post(event)
  expect(emulator.events()).toHaveLength(1)
})

test('events of a user beyond a number a day are dropped by switch', async () => {
  await start({ switches: { eventsPerUserDay: 2 } })
  for (let turn = 0; turn < 3; turn += 1) expect((await post(event)).status).toBe(201)
  await post({ ...event, date: event.date + dayMs })
  await post({ ...event, identifyId: 'bob' })
  expect(emulator.events()).toHaveLength(4)
})
