import { once } from 'node:events'
import { request } from 'node:http'
import { type Emulator, type EmulatorOptions, startEmulator } from 'px-emulator'
import { afterEach, describe, expect, test } from 'vitest'

/** One test or more for each of the thirteen things that a faithful stand-in must do, by their numbers there. */

const dayMs = 86_400_000
let emulator: Emulator
let nowMs = Date.UTC(2026, 10, 23, 10)

async function start(options: EmulatorOptions = {}): Promise<Emulator> {
  nowMs = Date.UTC(2026, 10, 23, 10)
  emulator = await startEmulator({ port: 0, now: () => nowMs, ...options })
  return emulator
}
afterEach(() => emulator.close())

const event = {
  eventName: 'dailyApiCalls',
  identifyId: 'ann',
  propertyKey: 'AP-DEMOEMULATOR-2',
  userType: 'USER',
  date: Date.UTC(2026, 10, 22, 12),
  attributes: { apiCalls: 120 },
}
const november = `dateRangeStart=${Date.UTC(2026, 10, 1)}&dateRangeEnd=${Date.UTC(2026, 10, 30)}`

async function ask(method: string, path: string, body?: unknown, key: string | null = emulator.apiKey) {
  const answer = await fetch(`${emulator.url}${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...(key === null ? {} : { 'X-APTRINSIC-API-KEY': key }) },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.includes('json')
  return { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : undefined }
}
const post = (body: unknown) => ask('POST', '/v1/events/custom', body)
const find = (query: string) => ask('GET', `/v1/events/custom?${query}`)
const filter = (...texts: string[]) => texts.map((text) => `filter=${encodeURIComponent(text)}`).join('&')
const control = (method: string, path: string, body?: unknown) =>
  ask(method, `/_px-emulator/${path}`, body, null)
const user = (identifyId: string, more: object = {}) => ({ identifyId, propertyKeys: ['AP-1'], ...more })
const account = (id: string, more: object = {}) => ({ id, name: id, propertyKeys: ['AP-1'], ...more })

describe('point 1: paths', () => {
  test('everything is below /v1 on one port, and an unknown path returns 404', async () => {
    await start()
    expect((await find('')).status).toBe(200)
    for (const path of [
      '/v1/custom_events',
      '/v1/events/custom/batch',
      '/v2/events/custom',
      '/v1',
      '/v1//',
    ]) {
      expect([path, (await ask('GET', path)).status]).toEqual([path, 404])
    }
  })

  test.each([403, 502])('%i comes with an HTML body on demand', async (status) => {
    await start()
    emulator.addFault({
      fault: { status, body: '<!doctype html><h1>Sorry', headers: { 'content-type': 'text/html' } },
    })
    const answer = await post(event)
    expect([answer.status, answer.headers.get('content-type'), answer.text]).toEqual([
      status,
      'text/html',
      '<!doctype html><h1>Sorry',
    ])
  })

  test('every refusal has an HTML body, or none, where the switch says so', async () => {
    await start({ switches: { errorBody: 'html' } })
    expect((await post({})).text).toMatch(/^<!doctype html>/)
    emulator.setSwitches({ errorBody: 'empty' })
    expect((await post({})).text).toBe('')
  })
})

describe('point 2: keys', () => {
  test('a missing or unknown key returns 401 with the text that the data loader looks for', async () => {
    await start()
    for (const key of [null, '', 'unknown']) {
      const refused = await ask('POST', '/v1/events/custom', event, key)
      expect(refused.status).toBe(401)
      expect(refused.body.externalapierror.message).toContain(
        'Authentication failed in loginAwareAuthentication',
      )
    }
    expect(emulator.events()).toEqual([])
  })

  test('a key without Write gets 403 for a change, and one without Read for GET, or 401 by switch', async () => {
    await start({ keys: { reader: { read: true }, writer: { write: true } } })
    const statuses = async () => [
      (await ask('POST', '/v1/events/custom', event, 'reader')).status,
      (await ask('PUT', '/v1/users/ann', {}, 'reader')).status,
      (await ask('DELETE', '/v1/users/ann', undefined, 'reader')).status,
      (await ask('GET', '/v1/events/custom', undefined, 'writer')).status,
    ]
    expect(await statuses()).toEqual([403, 403, 403, 403])
    emulator.setSwitches({ weakKeyStatus: 401 })
    expect(await statuses()).toEqual([401, 401, 401, 401])
    expect(emulator.events()).toEqual([])
    expect((await ask('GET', '/v1/events/custom', undefined, 'reader')).status).toBe(200)
    expect((await ask('POST', '/v1/events/custom', event, 'writer')).status).toBe(201)
  })
})

describe('point 3: POST of an event', () => {
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

  test('the body of 201 is empty, JSON or text', async () => {
    await start()
    expect((await post(event)).text).toBe('')
    emulator.setSwitches({ createdBody: 'json' })
    expect((await post(event)).body.eventName).toBe('dailyApiCalls')
    emulator.setSwitches({ createdBody: 'text' })
    expect((await post(event)).text).toBe('Created')
  })

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
})

describe('point 4: attributes', () => {
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

  const many = Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`a${at}`, at]))
  test.each([
    ['51 attributes', { attributes: many }],
    ['a name of 1,025 characters', { attributes: { ['x'.repeat(1_025)]: 1 } }],
    ['a value of 1,025 characters', { attributes: { x: 'x'.repeat(1_025) } }],
    ['an event name of 2,001 characters', { eventName: 'x'.repeat(2_001) }],
  ])('%s: refused, dropped, shortened or taken', async (_, more) => {
    await start()
    const tooMuch = { ...event, ...more }
    const outcome = async () => [(await post(tooMuch)).status, emulator.events().length]
    expect(await outcome()).toEqual([400, 0])
    emulator.setSwitches({ limits: 'drop' })
    expect(await outcome()).toEqual([201, 0])
    emulator.setSwitches({ limits: 'truncate' })
    expect(await outcome()).toEqual([201, 1])
    expect(emulator.events()[0]).not.toMatchObject(more)
    emulator.setSwitches({ limits: 'off' })
    expect(await outcome()).toEqual([201, 2])
    expect(emulator.events()[1]).toMatchObject(more)
  })

  test('the 2,001st event name is refused, dropped or taken, and a known one is taken always', async () => {
    await start({ switches: { requestsPerSecond: null } })
    for (let at = 0; at < 2_000; at += 1) await post({ ...event, eventName: `name ${at}` })
    expect((await post({ ...event, eventName: 'name 7' })).status).toBe(201)
    const outcome = async () => [
      (await post({ ...event, eventName: 'one more' })).status,
      emulator.events().length,
    ]
    expect(await outcome()).toEqual([400, 2_001])
    emulator.setSwitches({ limits: 'drop' })
    expect(await outcome()).toEqual([201, 2_001])
    emulator.setSwitches({ limits: 'off' })
    expect(await outcome()).toEqual([201, 2_002])
  })

  test('names that differ in case only are one in a report, and come back as sent', async () => {
    await start()
    for (const name of ['apiCalls', 'APICALLS', 'apicalls'])
      await post({ ...event, attributes: { [name]: 5 } })
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

  test('a value of another type than the first is left out where the switch says so', async () => {
    await start({ switches: { attributeType: 'first' } })
    await post(event)
    await post({ ...event, attributes: { apiCalls: '120', apiType: 'RESTful' } })
    expect(emulator.events()[1]?.attributes).toEqual({ apiType: 'RESTful' })
  })
})

describe('point 5: events of unknown users, accounts and names', () => {
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
})

describe('point 6: GET of events', () => {
  async function three() {
    await start()
    for (const [at, identifyId] of ['ann', 'bob', 'ann'].entries()) {
      await post({ ...event, identifyId, date: event.date + at, accountId: `acme-${3 - at}` })
    }
  }
  const dates = async (query: string): Promise<number[]> =>
    (await find(`${query}&${november}`)).body.customEvents.map(
      ({ date }: { date: number }) => date - event.date,
    )

  test('conditions joined by ; must all hold, one filter of several is enough, in any case', async () => {
    await three()
    expect(await dates(filter('identifyId==ANN;eventName~daily*'))).toEqual([0, 2])
    expect(await dates(filter('identifyId==bob', `date==${event.date}`))).toEqual([0, 1])
    expect(await dates(filter('identifyId!=ann'))).toEqual([1])
    expect(await dates(filter('identifyId~?nn'))).toEqual([0, 2])
    expect(await dates(filter('identifyId!~a*'))).toEqual([1])
    expect(await dates(filter(`date>${event.date};date<=${event.date + 2}`))).toEqual([1, 2])
    expect(await dates(filter('date>=2026-11-22T00:00:00Z;date<2026-11-22T12:00:00.001Z'))).toEqual([0])
  })

  test('only identifyId, eventName and date can be filtered, only accountId and date sorted', async () => {
    await three()
    for (const text of ['accountId==acme', 'attributes.apiCalls==1', 'identifyId', '']) {
      expect([text, (await find(filter(text))).status]).toEqual([text, 400])
    }
    expect(await dates('sort=-date')).toEqual([2, 1, 0])
    expect(await dates('sort=accountId')).toEqual([2, 1, 0])
    expect((await find('sort=identifyId')).status).toBe(400)
  })

  test('without a range the last day is searched, and a range over 190 days returns 400', async () => {
    await start()
    await post({ ...event, date: nowMs - dayMs + 1 })
    await post({ ...event, date: nowMs - dayMs - 1 })
    expect((await find('')).body.totalHits).toBe(1)
    const range = (days: number) => find(`dateRangeStart=${nowMs - days * dayMs}&dateRangeEnd=${nowMs}`)
    expect((await range(190)).body.totalHits).toBe(2)
    const tooLong = await range(191)
    expect(tooLong.status).toBe(400)
    expect(tooLong.body.externalapierror.message).toBe('Exceeded date range190days')
  })

  test('a page has 25 events, or 1 to 1000 by pageSize', async () => {
    await start()
    for (let at = 0; at < 26; at += 1) await post(event)
    expect((await find(november)).body.customEvents).toHaveLength(25)
    expect((await find(`pageSize=26&${november}`)).body.customEvents).toHaveLength(26)
    for (const size of ['0', '1001', '1.5', 'x']) expect((await find(`pageSize=${size}`)).status).toBe(400)
  })

  test('a scrollId alone returns the next page, and the last page has one too, or null by switch', async () => {
    await three()
    const first = (await find(`sort=-date&pageSize=2&${november}`)).body
    expect(first.totalHits).toBe(3)
    await post({ ...event, date: event.date + 9 })
    const second = (await find(`scrollId=${first.scrollId}`)).body
    expect(second.customEvents.map(({ date }: { date: number }) => date - event.date)).toEqual([0])
    expect(second.scrollId).toEqual(expect.any(String))
    expect((await find(`scrollId=${second.scrollId}`)).body.customEvents).toEqual([])
    expect((await find('scrollId=made-up')).status).toBe(400)
    emulator.setSwitches({ lastScrollId: 'none' })
    expect((await find(`scrollId=${first.scrollId}`)).body.scrollId).toBeNull()
  })

  test('an event is not seen, in reports neither, until the visibility lag is over', async () => {
    await start({ switches: { visibilityLagMs: 60_000 } })
    await post(event)
    const query = {
      eventName: 'dailyApiCalls',
      property: 'apiCalls',
      function: 'Sum' as const,
      scope: 'Daily' as const,
      timeZone: 'UTC',
    }
    nowMs += 59_999
    expect((await find(november)).body.totalHits).toBe(0)
    expect(emulator.report(query).events).toBe(0)
    nowMs += 1
    expect((await find(november)).body.totalHits).toBe(1)
    expect(emulator.report(query).events).toBe(1)
  })
})

describe('point 7: users and accounts', () => {
  test.each([
    ['users', 'identifyId', 'User', user],
    ['accounts', 'id', 'Account', account],
  ] as const)(
    '%s: created once, changed in part, found by case-sensitive id',
    async (path, idField, name, make) => {
      await start({ switches: { undeclaredAttribute: 'store' } })
      expect((await ask('POST', `/v1/${path}`, make('a/b', { email: 'x' }))).status).toBe(201)
      const duplicate = await ask('POST', `/v1/${path}`, make('a/b'))
      expect(duplicate.status).toBe(400)
      expect(duplicate.body.externalapierror.message).toContain('possible duplicate')
      expect((await ask('PUT', `/v1/${path}/a%2Fb`, { customAttributes: { one: 1 } })).status).toBe(204)
      const inBody = { [idField]: 'a/b', customAttributes: { two: 2 } }
      expect((await ask('PUT', `/v1/${path}/update`, inBody)).status).toBe(204)
      expect((await ask('GET', `/v1/${path}/a%2Fb`)).body).toMatchObject({
        [idField]: 'a/b',
        email: 'x',
        customAttributes: { one: 1, two: 2 },
      })
      const absent = await ask('GET', `/v1/${path}/A%2FB`)
      expect(absent.status).toBe(404)
      expect(absent.body.externalapierror.message).toBe(`${name} was not found for parameters {id=A/B}`)
      expect((await ask('PUT', `/v1/${path}/absent`, {})).status).toBe(404)
      expect((await ask('DELETE', `/v1/${path}/absent`)).status).toBe(404)
      expect((await ask('POST', `/v1/${path}`, {})).status).toBe(400)
      expect((await ask('DELETE', `/v1/${path}/a%2Fb`)).status).toBe(204)
      expect((await ask('GET', `/v1/${path}/a%2Fb`)).status).toBe(404)
    },
  )

  test('a removed user returns with its attributes by POST or event for seven days, and not later', async () => {
    await start()
    const remove = async (query = '') => ask('DELETE', `/v1/users/ann${query}`)
    await ask('POST', '/v1/users', user('ann', { email: 'x' }))
    await remove()
    nowMs += 7 * dayMs
    await ask('POST', '/v1/users', user('ann'))
    expect((await ask('GET', '/v1/users/ann')).body.email).toBe('x')
    await remove()
    await post(event)
    expect((await ask('GET', '/v1/users/ann')).body.email).toBe('x')
    await remove()
    nowMs += 7 * dayMs + 1
    await post(event)
    expect((await ask('GET', '/v1/users/ann')).status).toBe(404)
    await ask('POST', '/v1/users', user('ann'))
    expect((await ask('GET', '/v1/users/ann')).body.email).toBeUndefined()
  })

  test('an account that an event brings back is as it was', async () => {
    await start({ switches: { unknownAccount: 'create' } })
    await ask('POST', '/v1/accounts', { ...account('acme'), name: 'Acme Ltd', plan: 'Pro' })
    const before = (await ask('GET', '/v1/accounts/acme')).body
    await ask('DELETE', '/v1/accounts/acme')
    await post({ ...event, accountId: 'acme', propertyKey: 'AP-OTHER-2' })
    expect((await ask('GET', '/v1/accounts/acme')).body).toEqual(before)
  })

  test('a hard removal, by path or by body, forbids that', async () => {
    await start()
    for (const [path, body] of [
      ['/v1/users/ann?hardDelete=true', undefined],
      ['/v1/users/delete', { identifyId: 'ann', hardDelete: true }],
    ] as const) {
      await ask('POST', '/v1/users', user('ann', { email: 'x' }))
      expect((await ask('DELETE', path, body)).status).toBe(204)
      await ask('POST', '/v1/users', user('ann'))
      expect((await ask('GET', '/v1/users/ann')).body.email).toBeUndefined()
      await ask('DELETE', '/v1/users/ann?hardDelete=true')
    }
  })

  test('with an account go all of its users', async () => {
    await start()
    await ask('POST', '/v1/accounts', account('acme'))
    for (const [id, accountId] of [
      ['ann', 'acme'],
      ['bob', 'acme'],
      ['cyd', 'globex'],
    ] as const) {
      await ask('POST', '/v1/users', user(id, { accountId }))
    }
    await ask('DELETE', '/v1/accounts/acme')
    const { users, totalHits } = (await ask('GET', '/v1/users')).body
    expect(users.map(({ identifyId }: { identifyId: string }) => identifyId)).toEqual(['cyd'])
    expect(totalHits).toBe(1)
  })

  test('lists are filtered, sorted and read on by scrollId', async () => {
    await start({ switches: { undeclaredAttribute: 'store' } })
    for (let at = 0; at < 5; at += 1) {
      const more = { customAttributes: { x: at % 2 }, location: { city: `City ${at}` }, score: 9 - at }
      await ask('POST', '/v1/users', user(`user-${at}`, more))
    }
    const ids = (page: { users: { id: string }[] }) => page.users.map(({ id }) => id)
    const odd = (await ask('GET', `/v1/users?${filter('customAttributes.x==1')}`)).body
    expect(ids(odd)).toEqual(['user-1', 'user-3'])
    expect(ids((await ask('GET', `/v1/users?${filter('location.city~*4')}`)).body)).toEqual(['user-4'])
    expect(ids((await ask('GET', `/v1/users?${filter('score>=8')}&sort=score`)).body)).toEqual([
      'user-1',
      'user-0',
    ])
    const first = (await ask('GET', '/v1/users?pageSize=3&sort=-identifyId')).body
    expect([ids(first), first.totalHits]).toEqual([['user-4', 'user-3', 'user-2'], 5])
    expect(ids((await ask('GET', `/v1/users?scrollId=${first.scrollId}`)).body)).toEqual(['user-1', 'user-0'])
  })

  test('accounts are listed in the same way, and removed by an id in the body', async () => {
    await start()
    for (const id of ['a/1', 'b', 'c']) await ask('POST', '/v1/accounts', account(id, { plan: id }))
    const ids = (page: { accounts: { id: string }[] }) => page.accounts.map(({ id }) => id)
    const first = (await ask('GET', '/v1/accounts?pageSize=2')).body
    expect([ids(first), first.totalHits]).toEqual([['a/1', 'b'], 3])
    expect(ids((await ask('GET', `/v1/accounts?scrollId=${first.scrollId}`)).body)).toEqual(['c'])
    expect(ids((await ask('GET', `/v1/accounts?${filter('plan!=B')}`)).body)).toEqual(['a/1', 'c'])
    expect((await ask('GET', '/v1/accounts?pageSize=1001')).status).toBe(400)
    expect((await ask('DELETE', '/v1/accounts/delete', { id: 'a/1' })).status).toBe(204)
    expect(ids((await ask('GET', '/v1/accounts')).body)).toEqual(['b', 'c'])
  })

  test('switches say what a PUT does to other attributes, null and unknown ids', async () => {
    await start({ switches: { undeclaredAttribute: 'store' } })
    await ask('POST', '/v1/users', user('ann', { customAttributes: { a: 1, b: 2 } }))
    const after = async (customAttributes: object) => {
      await ask('PUT', '/v1/users/ann', { customAttributes })
      return (await ask('GET', '/v1/users/ann')).body.customAttributes
    }
    expect(await after({ a: null })).toEqual({ b: 2 })
    emulator.setSwitches({ nullAttribute: 'ignore' })
    expect(await after({ b: null })).toEqual({ b: 2 })
    emulator.setSwitches({ nullAttribute: 'store' })
    expect(await after({ b: null })).toEqual({ b: null })
    emulator.setSwitches({ putAttributes: 'replace', unknownPutStatus: 400, deletedStatus: 200 })
    expect(await after({ c: 3 })).toEqual({ c: 3 })
    expect((await ask('PUT', '/v1/users/absent', {})).status).toBe(400)
    expect((await ask('DELETE', '/v1/users/ann')).status).toBe(200)
  })

  test('ids in a path are taken as they are where the switch says so', async () => {
    await start({ switches: { pathIds: 'raw' } })
    await ask('POST', '/v1/users', user('a/b'))
    expect((await ask('GET', '/v1/users/a%2Fb')).status).toBe(404)
    expect((await ask('PUT', '/v1/users/update', { identifyId: 'a/b' })).status).toBe(204)
  })
})

describe('point 8: attribute metadata', () => {
  test('declared attributes are a bare array that cannot be written', async () => {
    await start({
      attributes: { user: [{ apiName: 'calls', type: 'NUMBER' }], account: [{ apiName: 'plan' }] },
    })
    const { body } = await ask('GET', '/v1/admin/model/user/attributes')
    expect(body).toEqual([
      {
        id: expect.any(String),
        name: 'calls',
        apiName: 'calls',
        internalName: 'calls',
        description: '',
        type: 'NUMBER',
        state: 'ENABLED',
        origin: 'CUSTOM',
        createdDate: nowMs,
        modifiedDate: nowMs,
        defaultValue: null,
      },
    ])
    expect((await ask('GET', '/v1/admin/model/account/attributes')).body[0].apiName).toBe('plan')
    expect((await ask('GET', '/v1/admin/model/robot/attributes')).status).toBe(404)
    expect((await ask('POST', '/v1/admin/model/user/attributes', {})).status).toBe(405)
  })

  test('an undeclared, disabled or differently cased attribute is dropped, refused or stored', async () => {
    await start({
      attributes: { user: [{ apiName: 'calls' }, { apiName: 'off', state: 'DISABLED' }] },
    })
    const customAttributes = { calls: 1, Calls: 2, off: 3 }
    expect((await ask('POST', '/v1/users', user('ann', { customAttributes }))).status).toBe(201)
    const stored = async () => (await ask('GET', '/v1/users/ann')).body.customAttributes
    expect(await stored()).toEqual({ calls: 1 })
    emulator.setSwitches({ undeclaredAttribute: 'refuse' })
    const refused = await ask('PUT', '/v1/users/ann', { customAttributes })
    expect(refused.status).toBe(400)
    expect(refused.body.externalapierror.subErrors).toHaveLength(2)
    emulator.setSwitches({ undeclaredAttribute: 'store' })
    await ask('PUT', '/v1/users/ann', { customAttributes })
    expect(await stored()).toEqual(customAttributes)
  })
})

test('point 9: the subscription returns its time zone and product keys', async () => {
  await start({ timeZone: 'Europe/Berlin', productKey: 'AP-MINE-2' })
  const { body } = await ask('GET', '/v1/admin/subscription')
  expect(body.timeZone).toBe('Europe/Berlin')
  expect(body.products[0].productKeys[0].productKey).toBe('AP-MINE-2')
  await control('PUT', 'subscription', { timeZone: 'Asia/Tokyo' })
  expect((await ask('GET', '/v1/admin/subscription')).body.timeZone).toBe('Asia/Tokyo')
})

describe('point 10: rate limits', () => {
  test('the 201st request at once returns 429 without Retry-After, and room grows with time', async () => {
    await start()
    for (let at = 0; at < 200; at += 1) expect((await post(event)).status).toBe(201)
    const refused = await post(event)
    expect(refused.status).toBe(429)
    expect(refused.headers.has('retry-after')).toBe(false)
    expect(refused.body.externalapierror.status).toBe('TOO_MANY_REQUESTS')
    nowMs += 5
    expect([(await post(event)).status, (await post(event)).status]).toEqual([201, 429])
    expect(emulator.events()).toHaveLength(201)
  })

  test('the limits can be smaller, send Retry-After, and start again with the day', async () => {
    await start({ switches: { requestsPerDay: 2, retryAfterSeconds: 30, quotaResetHour: 12 } })
    const statuses = async () => [(await find('')).status, (await find('')).status, (await find('')).status]
    expect(await statuses()).toEqual([200, 200, 429])
    expect((await find('')).headers.get('retry-after')).toBe('30')
    nowMs = Date.UTC(2026, 10, 23, 11, 59)
    expect((await find('')).status).toBe(429)
    nowMs = Date.UTC(2026, 10, 23, 12)
    expect(await statuses()).toEqual([200, 200, 429])
  })

  test('keys share the limits, or each has its own by switch', async () => {
    await start({ keys: { other: { read: true } }, switches: { requestsPerSecond: 1 } })
    const other = async () => (await ask('GET', '/v1/users', undefined, 'other')).status
    expect([(await find('')).status, await other()]).toEqual([200, 429])
    emulator.setSwitches({ rateLimitScope: 'key' })
    expect([(await find('')).status, await other(), await other()]).toEqual([200, 200, 429])
  })

  test.runIf(process.platform === 'linux')(
    'or each IP address has its own (on Linux, where loopback has many)',
    async () => {
      await start({ switches: { requestsPerSecond: 1, rateLimitScope: 'address' } })
      const from = async (localAddress: string) => {
        const headers = { 'X-APTRINSIC-API-KEY': emulator.apiKey }
        const sent = request(`${emulator.url}/v1/users`, { localAddress, headers }).end()
        const [answer] = await once(sent, 'response')
        answer.resume()
        return answer.statusCode as number
      }
      expect([await from('127.0.0.1'), await from('127.0.0.2'), await from('127.0.0.2')]).toEqual([
        200, 200, 429,
      ])
    },
  )

  test('the body of 429 is empty where the switch says so', async () => {
    await start({ switches: { requestsPerSecond: 0, errorBody: 'empty' } })
    const refused = await find('')
    expect([refused.status, refused.text]).toEqual([429, ''])
  })
})

describe('point 11: faults', () => {
  test.each([500, 502, 503, 504])('%i, with the event stored or not', async (status) => {
    await start()
    emulator.addFault({ fault: { status }, times: 1 })
    emulator.addFault({ fault: { status, store: true } })
    expect([(await post(event)).status, emulator.events().length]).toEqual([status, 0])
    expect([(await post(event)).status, emulator.events().length]).toEqual([status, 1])
  })

  test('a connection cut before or after storing', async () => {
    await start()
    emulator.addFault({ fault: { reset: true }, times: 1 })
    emulator.addFault({ fault: { reset: true, store: true } })
    await expect(post(event)).rejects.toThrow('fetch failed')
    expect(emulator.events()).toHaveLength(0)
    await expect(post(event)).rejects.toThrow('fetch failed')
    expect(emulator.events()).toHaveLength(1)
    expect(emulator.requests.map(({ status }) => status)).toEqual([null, null])
  })

  test('an event is stored after a delay, and before slow headers, when the sender times out', async () => {
    await start()
    const impatient = () =>
      fetch(`${emulator.url}/v1/events/custom`, {
        method: 'POST',
        headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey },
        body: JSON.stringify(event),
        signal: AbortSignal.timeout(200),
      })
    emulator.addFault({ fault: { delayMs: 60_000 }, times: 1 })
    emulator.addFault({ fault: { slowHeadersMs: 60_000 } })
    await expect(impatient()).rejects.toThrow('timeout')
    expect(emulator.events()).toHaveLength(0)
    await expect(impatient()).rejects.toThrow('timeout')
    expect(emulator.events()).toHaveLength(1)
  })

  test('a body that comes slowly, breaks off, or has no end in sight', async () => {
    await start({ switches: { createdBody: 'json' } })
    emulator.addFault({ fault: { slowBodyMs: 60_000 }, times: 1 })
    emulator.addFault({ fault: { truncate: true }, times: 1 })
    emulator.addFault({ fault: { giantBytes: 3_000_000 } })
    const send = (signal: AbortSignal | null = null) =>
      fetch(`${emulator.url}/v1/events/custom`, {
        method: 'POST',
        headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey },
        body: JSON.stringify(event),
        signal,
      })
    const patience = new AbortController()
    const slow = await send(patience.signal)
    expect(slow.status).toBe(201)
    patience.abort()
    await expect(slow.text()).rejects.toThrow('abort')
    const cut = await send()
    expect(cut.status).toBe(201)
    await expect(cut.text()).rejects.toThrow('terminated')
    expect((await (await send()).text()).length).toBe(3_000_000)
    expect(emulator.events()).toHaveLength(3)
  })

  test('a rule matches by method, path and body, lets some pass, and ends', async () => {
    await start()
    const id = emulator.addFault({
      fault: { status: 503 },
      method: 'post',
      url: '/v1/events/*',
      bodyIncludes: '"ann"',
      skip: 1,
      times: 2,
    })
    const statuses: number[] = []
    for (let turn = 0; turn < 4; turn += 1) statuses.push((await post(event)).status)
    expect(statuses).toEqual([201, 503, 503, 201])
    expect((await post({ ...event, identifyId: 'bob' })).status).toBe(201)
    expect((await find('')).status).toBe(200)
    emulator.removeFault(id)
    expect((await control('GET', 'faults')).body).toEqual([])
  })

  test('a share of the requests breaks, the same ones for the same seed', async () => {
    const broken = async (seed: number) => {
      await start({ seed, switches: { requestsPerSecond: null } })
      emulator.addFault({ fault: { status: 503 }, probability: 0.3 })
      const statuses: number[] = []
      for (let turn = 0; turn < 100; turn += 1) statuses.push((await post(event)).status)
      await emulator.close()
      return statuses
    }
    const first = await broken(7)
    expect(await broken(7)).toEqual(first)
    expect(await broken(8)).not.toEqual(first)
    const share = first.filter((status) => status === 503).length
    expect(share).toBeGreaterThan(15)
    expect(share).toBeLessThan(45)
  })

  test('a fault that can never be meant is refused with the reason', async () => {
    await start()
    expect(() => emulator.addFault({ fault: { satus: 500 } as object })).toThrow('satus')
    expect(() => emulator.addFault({ fault: { status: 99 } })).toThrow('between 200 and 599')
    expect(() => emulator.addFault({ fault: {}, probability: 2 })).toThrow('between 0 and 1')
    expect((await control('POST', 'faults', {})).status).toBe(400)
  })
})

test('point 12: Sum and Average by day, week and month in a chosen zone', async () => {
  await start()
  // Saturday evening in New York is Sunday in UTC; the last of October there is the first of November in UTC.
  for (const date of [Date.UTC(2026, 10, 1, 2), Date.UTC(2026, 10, 1, 12), Date.UTC(2026, 10, 2, 12)]) {
    await post({ ...event, date, attributes: { apiCalls: new Date(date).getUTCHours() } })
  }
  const chart = (fn: 'Sum' | 'Average', scope: 'Daily' | 'Weekly' | 'Monthly', timeZone: string) => {
    const range = { from: '2026-10-31', to: '2026-11-02' }
    const query = {
      eventName: 'dailyApiCalls',
      property: 'apiCalls',
      function: fn,
      scope,
      timeZone,
      ...range,
    }
    const { periods, series } = emulator.report(query)
    return Object.fromEntries(periods.map((period, at) => [period, series[0]?.values[at]]))
  }
  const newYork = 'America/New_York'
  expect(chart('Sum', 'Daily', newYork)).toEqual({ '2026-10-31': 2, '2026-11-01': 12, '2026-11-02': 12 })
  expect(chart('Sum', 'Daily', 'UTC')).toEqual({ '2026-10-31': 0, '2026-11-01': 14, '2026-11-02': 12 })
  expect(chart('Sum', 'Weekly', newYork)).toEqual({ '2026-10-26': 14, '2026-11-02': 12 })
  expect(chart('Average', 'Weekly', newYork)).toEqual({ '2026-10-26': 7, '2026-11-02': 12 })
  expect(chart('Sum', 'Monthly', newYork)).toEqual({ '2026-10-01': 2, '2026-11-01': 24 })
  expect(chart('Average', 'Monthly', 'UTC')).toEqual({ '2026-10-01': null, '2026-11-01': 26 / 3 })
})

test('point 12: Sum over a week is seven days, and Average over endpoint rows is no daily total', async () => {
  await start()
  const monday = Date.UTC(2026, 10, 9, 12)
  for (let day = 0; day < 7; day += 1) await post({ ...event, date: monday + day * dayMs })
  for (const apiCalls of [100, 10, 10]) await post({ ...event, eventName: 'rows', attributes: { apiCalls } })
  const query = { eventName: 'dailyApiCalls', property: 'apiCalls', timeZone: 'UTC' }
  const weekly = { ...query, scope: 'Weekly' as const, from: '2026-11-09', to: '2026-11-15' }
  expect(emulator.report({ ...weekly, function: 'Sum' }).series[0]?.values).toEqual([840])
  expect(emulator.report({ ...weekly, function: 'Average' }).series[0]?.values).toEqual([120])
  const rows = { ...query, eventName: 'rows', scope: 'Daily' as const, from: '2026-11-22', to: '2026-11-22' }
  const average = emulator.report({ ...rows, function: 'Average' })
  expect([average.series[0]?.values, average.eventsPerUserDay]).toEqual([[40], 3])
  emulator.setSwitches({ averagePer: 'userDay' })
  expect(emulator.report({ ...rows, function: 'Average' }).series[0]?.values).toEqual([120])
})

describe('point 13: inspection and reset', () => {
  test('every request is kept as received, with its response, and counted', async () => {
    await start()
    await post(event)
    await find('')
    const { total, requests } = (await control('GET', 'requests')).body
    expect(total).toBe(2)
    expect(requests).toEqual(JSON.parse(JSON.stringify(emulator.requests)))
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: '/v1/events/custom',
      body: JSON.stringify(event),
      status: 201,
      receivedMs: nowMs,
    })
    expect(requests[0].headers['x-aptrinsic-api-key']).toBe(emulator.apiKey)
    await control('DELETE', 'requests')
    expect(emulator.requests).toEqual([])
  })

  test('a bounded number of requests is kept, the newest', async () => {
    await start({ keepRequests: 10 })
    for (let at = 0; at < 30; at += 1) await find(`at=${at}`)
    expect(emulator.requests.length).toBeLessThanOrEqual(11)
    expect(emulator.requests.at(-1)?.url).toContain('at=29')
    expect((await control('GET', 'requests')).body.total).toBe(30)
  })

  test('faults, switches, keys and attributes are set over HTTP, and reset brings back the start', async () => {
    await start({ switches: { createdBody: 'text' } })
    const { id } = (await control('POST', 'faults', { fault: { status: 503 }, times: 1 })).body
    expect((await post(event)).status).toBe(503)
    expect((await control('GET', 'faults')).body).toMatchObject([{ id, matched: 1, broken: 1 }])
    expect((await control('DELETE', `faults/${id}`)).status).toBe(204)
    expect((await control('DELETE', `faults/${id}`)).status).toBe(404)
    expect((await control('PUT', 'switches', { createdBody: 'json', visibilityLagMs: 5 })).status).toBe(204)
    expect((await post(event)).body.eventName).toBe('dailyApiCalls')
    const switches = (await control('GET', 'switches')).body
    expect(switches).toContainEqual({ name: 'createdBody', value: 'json', values: 'empty, json, text' })
    await control('PUT', 'keys', { key: 'reader', read: true })
    expect((await ask('GET', '/v1/users', undefined, 'reader')).status).toBe(200)
    await control('PUT', 'attributes/user', [{ apiName: 'calls' }])
    expect((await ask('GET', '/v1/admin/model/user/attributes')).body).toHaveLength(1)
    expect((await control('POST', 'reset')).status).toBe(204)
    expect([emulator.requests, emulator.events(), emulator.switches.createdBody]).toEqual([[], [], 'text'])
  })

  test('a switch or value that does not exist is refused, and changes nothing', async () => {
    await start()
    const unknown = await control('PUT', 'switches', { createBody: 'json' })
    expect(unknown.status).toBe(400)
    expect(unknown.body.externalapierror.message).toContain('createdBody')
    const wrong = await control('PUT', 'switches', { missingDate: 'refuse', createdBody: 'xml' })
    expect(wrong.body.externalapierror.message).toContain('empty, json, text')
    expect(emulator.switches.missingDate).toBe('now')
    await expect(startEmulator({ port: 0, switches: { limits: 'on' as 'off' } })).rejects.toThrow('limits')
  })
})
