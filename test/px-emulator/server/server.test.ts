import { once } from 'node:events'
import { type RequestOptions, request } from 'node:http'
import { networkInterfaces } from 'node:os'
import fc from 'fast-check'
import { type Emulator, startEmulator } from 'px-emulator'
import { afterEach, beforeEach, expect, test } from 'vitest'

let emulator: Emulator
beforeEach(async () => {
  emulator = await startEmulator({ port: 0 })
})
afterEach(() => emulator.close())

/** `fetch` sets Host and Origin by itself. */
async function statusOf(
  path: string,
  headers: RequestOptions['headers'] = {},
  method = 'GET',
  to = emulator.url,
) {
  const sent = request(`${to}${path}`, { method, headers: { ...headers } })
  sent.end()
  const [response] = await once(sent, 'response')
  response.resume()
  return response.statusCode as number
}

test('a page of somewhere else cannot work the emulator through a browser on the same machine', async () => {
  const elsewhere = { origin: 'https://elsewhere.example' }
  expect(await statusOf('/_px-emulator/reset', elsewhere, 'POST')).toBe(403)
  expect(await statusOf('/_px-emulator/requests', { host: 'rebound.example:7070' })).toBe(403)
  expect(await statusOf('/', { host: 'rebound.example' })).toBe(403)
  const own = { origin: emulator.url, host: new URL(emulator.url).host }
  expect(await statusOf('/_px-emulator/reset', own, 'POST')).toBe(204)
  expect(await statusOf('/', { host: 'localhost:7070' })).toBe(200)
})

test('it listens on loopback alone, and on another address only by option', async () => {
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address
  expect(new URL(emulator.url).hostname).toBe('127.0.0.1')
  if (outside === undefined) return
  const { port } = new URL(emulator.url)
  await expect(statusOf('/', {}, 'GET', `http://${outside}:${port}`)).rejects.toThrow('ECONNREFUSED')
  const open = await startEmulator({ port: 0, host: '0.0.0.0' })
  const url = `http://${outside}:${new URL(open.url).port}`
  const there = new URL(url).host
  expect(await statusOf('/', {}, 'GET', url)).toBe(200)
  const reset = (origin: string) => statusOf('/_px-emulator/reset', { host: there, origin }, 'POST', url)
  expect([await reset('https://elsewhere.example'), await reset(`https://${there}`)]).toEqual([403, 204])
  const catalogOf = async (at: string) => (await (await fetch(`${at}/_px-emulator/catalog`)).json()) as object
  expect(await catalogOf(url)).not.toHaveProperty('apiKey')
  expect(await catalogOf(emulator.url)).toHaveProperty('apiKey', emulator.apiKey)
  await open.close()
})

test('unexpected paths return 4xx and leave the emulator running', async () => {
  for (const path of [
    '//',
    '/%',
    '/v1/%E0%A4%A/x',
    '/_px-emulator/',
    '/_px-emulator/__proto__',
    '/page/../cli.ts',
  ]) {
    expect([path, await statusOf(path)]).toEqual([
      path,
      expect.toSatisfy((status) => status >= 400 && status < 500),
    ])
  }
  expect(await statusOf('/', {}, 'POST')).toBe(405)
  expect(await statusOf('/', {}, 'HEAD')).toBe(200)
  expect(await statusOf('/')).toBe(200)
})

test('a body beyond one megabyte returns 413, and the request is in the record', async () => {
  const response = await fetch(`${emulator.url}/v1/events/custom`, {
    method: 'POST',
    headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey },
    body: 'x'.repeat(8 * 1024 * 1024),
  })
  expect(response.status).toBe(413)
  expect(emulator.events()).toEqual([])
  expect(emulator.requests).toMatchObject([{ method: 'POST', url: '/v1/events/custom', status: 413 }])
})

test('the page may load nothing from elsewhere and run no script but its own', async () => {
  const policy = (await fetch(emulator.url)).headers.get('content-security-policy')
  expect(policy).toContain("default-src 'self'")
  expect(policy).not.toContain('unsafe')
})

test('a port that is taken is an error, not a hang', async () => {
  const port = Number(new URL(emulator.url).port)
  await expect(startEmulator({ port })).rejects.toThrow(`Port ${port} is in use`)
})

test('it closes with connections open, twice too, and can be disposed of', async () => {
  emulator.addFault({ fault: { delayMs: 60_000 } })
  const waiting = fetch(`${emulator.url}/v1/users`)
  const failed = expect(waiting).rejects.toThrow()
  while (emulator.requests.length === 0) await new Promise(setImmediate)
  await Promise.all([emulator.close(), emulator.close(), emulator[Symbol.asyncDispose]()])
  await failed
})

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
const anyRequest = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
  path,
  query,
  body: fc.oneof(body, fc.string()),
})

test('requests of any shape never return 500, and leave the emulator running', async () => {
  // A reset restores the switches of the start, so this one starts without a limit.
  await emulator.close()
  emulator = await startEmulator({ port: 0, switches: { requestsPerSecond: null } })
  await fc.assert(
    fc.asyncProperty(anyRequest, async ({ method, path, query, body }) => {
      const url = `${emulator.url}${path}?${new URLSearchParams(query)}`
      const headers = { 'X-APTRINSIC-API-KEY': emulator.apiKey }
      const response = await fetch(url, { method, headers, ...(method !== 'GET' && { body }) })
      expect(response.status, await response.text()).toBeLessThan(500)
    }),
    { numRuns: 3_000 },
  )
  expect((await fetch(`${emulator.url}/_px-emulator/catalog`)).status).toBe(200)
})
