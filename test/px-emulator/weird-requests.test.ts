import fc from 'fast-check'
import { type Emulator, startEmulator } from 'px-emulator'
import { afterEach, beforeEach, expect, test } from 'vitest'

let emulator: Emulator
beforeEach(async () => {
  emulator = await startEmulator({ port: 0, switches: { requestsPerSecond: null } })
})
afterEach(() => emulator.close())

const megabyte = 'x'.repeat(1024 * 1024)

function post(path: string, body: string, key: string | undefined): Promise<Response> {
  const headers: Record<string, string> = key === undefined ? {} : { 'X-APTRINSIC-API-KEY': key }
  return fetch(`${emulator.url}${path}`, { method: 'POST', headers, body })
}

test('bodies without a key do not fill the memory', async () => {
  const responses = await Promise.all(
    Array.from({ length: 40 }, (_, at) => post('/v1/events/custom', megabyte, at % 2 ? 'wrong' : undefined)),
  )
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([401]))
  expect(emulator.requests).toHaveLength(40)
  expect(Math.max(...emulator.requests.map(({ body }) => body.length))).toBeLessThanOrEqual(1024)
})

test('of bodies with a key, 64 MB are kept', async () => {
  for (let i = 0; i < 80; i++) await post('/v1/events/custom', megabyte, emulator.apiKey)
  const kept = emulator.requests.reduce((sum, { body }) => sum + body.length, 0)
  expect(kept).toBeGreaterThan(48 * 1024 * 1024)
  expect(kept).toBeLessThanOrEqual(64 * 1024 * 1024)
})

const rules: [string, object][] = [
  ['no fault', {}],
  ['a fault of nothing', { fault: null }],
  ['a url that is no text', { fault: {}, url: 5 }],
  ['a method that is no text', { fault: {}, method: {} }],
  ['a body that is no text', { fault: { body: 5 } }],
  ['a status that is no number', { fault: { status: 200.5 } }],
  ['a header that cannot be sent', { fault: { headers: { 'x y': '1' } } }],
  ['a header that is no text', { fault: { headers: { x: null } } }],
  ['a probability that is no number', { fault: {}, probability: 'often' }],
]
test.each(rules)('a fault rule with %s is refused and breaks no request', async (_about, rule) => {
  expect((await post('/_px-emulator/faults', JSON.stringify(rule), undefined)).status).toBe(400)
  const response = await fetch(`${emulator.url}/v1/users`, {
    headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey },
  })
  expect(response.status).toBe(200)
})

test.each([null, 5, 'calls', ['calls']])(
  'a declaration of %j as an attribute returns 400',
  async (attribute) => {
    const response = await fetch(`${emulator.url}/_px-emulator/attributes/user`, {
      method: 'PUT',
      body: JSON.stringify([attribute]),
    })
    expect(response.status).toBe(400)
  },
)

const word = fc.oneof(
  fc.constantFrom('', 'eventName', 'dailyApiCalls', 'Daily', 'Sum', 'UTC', '2026-11-22', '-1', '1e9', 'date'),
  fc.string({ maxLength: 20 }),
)
const query = fc.dictionary(
  fc.constantFrom(
    ...['eventName', 'property', 'function', 'scope', 'timeZone', 'from', 'to', 'by', 'filter', 'limit'],
    ...['field', 'sort', 'pageSize', 'scrollId', 'dateRangeStart', 'dateRangeEnd'],
  ),
  word,
)
const path = fc.oneof(
  fc
    .constantFrom(
      ...[
        'requests',
        'faults',
        'faults/1',
        'switches',
        'keys',
        'attributes/user',
        'subscription',
        'reset',
        'catalog',
      ],
      ...['values', 'report', 'events', 'audience'],
    )
    .map((name) => `/_px-emulator/${name}`),
  fc
    .constantFrom(
      ...['events/custom', 'users', 'users/ann', 'users/update', 'users/delete', 'accounts', 'accounts/acme'],
      ...['users/denylist/ann', 'admin/subscription', 'admin/model/user/attributes'],
    )
    .map((name) => `/v1/${name}`),
)
const event = fc.record(
  {
    eventName: word,
    identifyId: word,
    propertyKey: fc.constant('AP-DEMOEMULATOR-2'),
    userType: fc.constant('USER'),
    date: fc.oneof(fc.integer(), fc.constantFrom(8.64e15, -8.64e15, 1e300)),
    attributes: fc.dictionary(fc.string(), fc.jsonValue()),
  },
  { requiredKeys: [] },
)
const body = fc
  .oneof(fc.jsonValue(), event, fc.dictionary(word, fc.jsonValue()))
  .map((each) => JSON.stringify(each))
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
  path,
  query,
  body: fc.oneof(body, fc.string()),
})

test('requests of any shape never return 500, and leave the emulator running', async () => {
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, query, body }) => {
      const url = `${emulator.url}${path}?${new URLSearchParams(query)}`
      const headers = { 'X-APTRINSIC-API-KEY': emulator.apiKey }
      const response = await fetch(url, { method, headers, ...(method !== 'GET' && { body }) })
      expect(response.status, await response.text()).toBeLessThan(500)
    }),
    { numRuns: 3_000 },
  )
  expect((await fetch(`${emulator.url}/_px-emulator/catalog`)).status).toBe(200)
})
