import { type Emulator, type Fault, startEmulator } from 'px-emulator'
import { afterEach, beforeEach, expect, test } from 'vitest'

let emulator: Emulator
let fault: Fault | undefined

beforeEach(async () => {
  fault = undefined
  emulator = await startEmulator({ port: 0, fault: () => fault })
})
afterEach(() => emulator.close())

const event = {
  eventName: 'dailyApiCalls',
  identifyId: 'ann',
  propertyKey: 'AP-DEMOEMULATOR-2',
  userType: 'USER',
  date: Date.UTC(2026, 10, 22, 12),
  attributes: { apiCalls: 120 },
}
const range = `dateRangeStart=${Date.UTC(2026, 10, 1)}&dateRangeEnd=${Date.UTC(2026, 10, 30)}`

async function ask(method: string, path: string, body?: unknown, key = emulator.apiKey) {
  const answer = await fetch(`${emulator.url}${path}`, {
    method,
    headers: { 'X-APTRINSIC-API-KEY': key, 'Content-Type': 'application/json' },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}
const post = (body: unknown) => ask('POST', '/v1/events/custom', body)
const find = (query: string) => ask('GET', `/v1/events/custom?${query}`)

test('a path that PX does not have answers 404', async () => {
  expect((await ask('GET', '/v1/custom_events')).status).toBe(404)
})

test('a wrong or missing key answers 401 and stores nothing', async () => {
  const refused = await ask('POST', '/v1/events/custom', event, 'wrong')
  expect(refused.status).toBe(401)
  expect(JSON.stringify(refused.body)).toContain('Authentication failed in loginAwareAuthentication')
  expect(emulator.events()).toEqual([])
})

test('a valid event answers 201, and an exact repeat is stored again under an id of its own', async () => {
  expect((await post(event)).status).toBe(201)
  expect((await post(event)).status).toBe(201)
  expect(new Set(emulator.events().map(({ eventId }) => eventId)).size).toBe(2)
})

test('an event without a date gets the time of arrival', async () => {
  const before = Date.now()
  const { date, ...undated } = event
  await post(undated)
  expect(emulator.events()[0]?.date).toBeGreaterThanOrEqual(before)
})

test.each([
  ['an empty event name', { ...event, eventName: '' }],
  ['no user', { ...event, identifyId: undefined }],
  ['no product key', { ...event, propertyKey: undefined }],
  ['an unknown user type', { ...event, userType: 'ROBOT' }],
  ['a date that is no integer', { ...event, date: 1.5 }],
  ['an array', [event]],
  ['malformed JSON', '{'],
])('%s answers 400 in the form of PX', async (_, body) => {
  const refused = await post(body)
  expect(refused.status).toBe(400)
  expect(refused.body.externalapierror.status).toBe('BAD_REQUEST')
  expect(emulator.events()).toEqual([])
})

test('numbers and booleans stay as sent, and a nested value is saved as a string', async () => {
  await post({ ...event, attributes: { apiCalls: 3, beta: true, plan: { name: 'x' } } })
  expect(emulator.events()[0]?.attributes).toEqual({ apiCalls: 3, beta: true, plan: '{"name":"x"}' })
})

test('an event of a user nobody created is stored, one of a denied user answers 201 and is not', async () => {
  await post({ ...event, identifyId: 'nobody-knows-me' })
  await ask('PUT', '/v1/users/denylist/ann', true)
  expect((await post(event)).status).toBe(201)
  expect(emulator.events().map(({ identifyId }) => identifyId)).toEqual(['nobody-knows-me'])
})

test('events are found by filter in any case, in order, page by page, and the last page has a scrollId too', async () => {
  for (const [at, identifyId] of ['ann', 'bob', 'ann'].entries()) {
    await post({ ...event, identifyId, date: event.date + at })
  }
  const filter = encodeURIComponent('identifyId==ANN;eventName~daily*')
  const first = (await find(`filter=${filter}&sort=-date&pageSize=1&${range}`)).body
  expect(first.totalHits).toBe(2)
  expect(first.customEvents[0].date).toBe(event.date + 2)
  const last = (await find(`filter=${filter}&sort=-date&pageSize=1&${range}&scrollId=${first.scrollId}`)).body
  expect(last.customEvents[0].date).toBe(event.date)
  expect(last.scrollId).not.toBeNull()
})

test('without a range the last day is searched, and a range over 190 days, a bad page size or field answers 400', async () => {
  await post({ ...event, date: Date.now() - 2 * 86_400_000 })
  expect((await find('')).body.totalHits).toBe(0)
  const tooLong = await find(`dateRangeStart=0&dateRangeEnd=${191 * 86_400_000}`)
  expect(tooLong.body.externalapierror.message).toBe('Exceeded date range190days')
  expect((await find('pageSize=1001')).status).toBe(400)
  expect((await find('pageSize=0')).status).toBe(400)
  expect((await find('filter=accountId%3D%3Dacme')).status).toBe(400)
})

test.each([
  ['users', 'identifyId', 'User', { identifyId: 'a/b', propertyKeys: ['AP-1'] }],
  ['accounts', 'id', 'Account', { id: 'a/b', name: 'A', propertyKeys: ['AP-1'] }],
])(
  '%s are created once, updated in part, found by case-sensitive id and removed',
  async (path, idField, name, body) => {
    expect((await ask('POST', `/v1/${path}`, body)).status).toBe(201)
    expect((await ask('POST', `/v1/${path}`, body)).status).toBe(400)
    const id = 'a/b'
    await ask('PUT', `/v1/${path}/a%2Fb`, { customAttributes: { one: 1 } })
    expect(
      (await ask('PUT', `/v1/${path}/update`, { [idField]: id, customAttributes: { two: 2 } })).status,
    ).toBe(204)
    expect((await ask('GET', `/v1/${path}/a%2Fb`)).body.customAttributes).toEqual({ one: 1, two: 2 })
    const absent = await ask('GET', `/v1/${path}/A%2FB`)
    expect(absent.status).toBe(404)
    expect(absent.body.externalapierror.message).toBe(`${name} was not found for parameters {id=A/B}`)
    expect((await ask('PUT', `/v1/${path}/absent`, {})).status).toBe(404)
    expect((await ask('DELETE', `/v1/${path}/a%2Fb`)).status).toBe(204)
    expect((await ask('GET', `/v1/${path}`)).body[path]).toEqual([])
  },
)

test('attribute metadata is a bare array, and cannot be written', async () => {
  await ask('POST', '/v1/users', {
    identifyId: 'ann',
    propertyKeys: ['AP-1'],
    customAttributes: { calls: 1 },
  })
  const { body } = await ask('GET', '/v1/admin/model/user/attributes')
  expect(body).toEqual([{ apiName: 'calls', type: 'NUMBER', state: 'ENABLED', origin: 'CUSTOM' }])
  expect((await ask('GET', '/v1/admin/model/robot/attributes')).status).toBe(404)
  expect((await ask('POST', '/v1/admin/model/user/attributes', {})).status).toBe(405)
})

test('the subscription tells its time zone and product keys', async () => {
  const { body } = await ask('GET', '/v1/admin/subscription')
  expect(body.timeZone).toBe('UTC')
  expect(body.products[0].productKeys[0].productKey).toBe(emulator.productKey)
})

test('a connection is cut on demand, with the event stored or not', async () => {
  fault = { reset: true }
  await expect(post(event)).rejects.toThrow('fetch failed')
  expect(emulator.events()).toHaveLength(0)
  fault = { reset: true, store: true }
  await expect(post(event)).rejects.toThrow('fetch failed')
  expect(emulator.events()).toHaveLength(1)
})

test('a status with an HTML body comes on demand, and an event can be stored behind a 503', async () => {
  fault = { status: 503, body: '<html>', store: true, headers: { 'content-type': 'text/html' } }
  const answer = await fetch(`${emulator.url}/v1/events/custom`, {
    method: 'POST',
    headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey },
    body: JSON.stringify(event),
  })
  expect([answer.status, await answer.text()]).toEqual([503, '<html>'])
  expect(emulator.events()).toHaveLength(1)
})

test('every request is kept as received, and reset forgets everything', async () => {
  await post(event)
  expect(emulator.requests[0]).toMatchObject({ method: 'POST', url: '/v1/events/custom' })
  expect(JSON.parse(emulator.requests[0]?.body ?? '')).toEqual(event)
  emulator.reset()
  expect([emulator.requests, emulator.events()]).toEqual([[], []])
})
