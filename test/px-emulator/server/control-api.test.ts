import { expect, test } from 'vitest'
import { ask, control, emulator, event, find, nowMs, post, start } from '../../support/started-emulator.ts'

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
  await start()
  expect((await control('POST', 'faults', rule)).status).toBe(400)
  expect((await ask('GET', '/v1/users')).status).toBe(200)
})

test.each([null, 5, 'calls', ['calls']])(
  'a declaration of %j as an attribute returns 400',
  async (attribute) => {
    await start()
    expect((await control('PUT', 'attributes/user', [attribute])).status).toBe(400)
  },
)

test('the newest events are read in pages, and can be searched', async () => {
  await start()
  for (const apiCalls of [1, 77_777, 3]) await post({ ...event, attributes: { apiCalls } })
  const callsOf = async (query: string) =>
    (await control('GET', `events?${query}`)).body.map(
      (found: { event: { attributes: { apiCalls: number } } }) => found.event.attributes.apiCalls,
    )
  expect(await callsOf('limit=2')).toEqual([3, 77_777])
  expect(await callsOf('limit=2&before=1')).toEqual([1])
  expect(await callsOf('before=0')).toEqual([])
  expect(await callsOf('search=77777')).toEqual([77_777])
  expect(await callsOf('before=99&search=ANN')).toEqual([3, 77_777, 1])
  expect((await control('GET', 'events?before=-1')).status).toBe(400)
})

test('the overview has the range of the report, and as many lines as asked for', async () => {
  await start()
  await post({ ...event, accountId: 'acme' })
  await post({ ...event, accountId: 'globex' })
  const query = 'eventName=dailyApiCalls&property=apiCalls&days=7'
  const { body } = await control('GET', `overview?${query}&limit=1`)
  expect(body).toMatchObject({ to: '2026-11-22', now: { users: 1, value: 240 }, before: null, lines: 2 })
  expect(body.ranking).toHaveLength(1)
  const report = (await control('GET', `report?${query}`)).body
  expect([report.from, report.oldest, report.newest]).toEqual([body.from, '2026-11-22', '2026-11-22'])
  expect((await control('GET', 'report?eventName=x&days=0')).status).toBe(400)
})
