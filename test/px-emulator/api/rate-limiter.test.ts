import { once } from 'node:events'
import { request } from 'node:http'
import { expect, test } from 'vitest'
import { ask, emulator, event, find, nowMs, post, setTime, start } from '../../support/started-emulator.ts'

test('the 201st request at once returns 429 without Retry-After, and room grows with time', async () => {
  await start()
  for (let at = 0; at < 200; at += 1) expect((await post(event)).status).toBe(201)
  const refused = await post(event)
  expect(refused.status).toBe(429)
  expect(refused.headers.has('retry-after')).toBe(false)
  expect(refused.body.externalapierror.status).toBe('TOO_MANY_REQUESTS')
  setTime(nowMs + 5)
  expect([(await post(event)).status, (await post(event)).status]).toEqual([201, 429])
  expect(emulator.events()).toHaveLength(201)
})

test('the limits can be smaller, send Retry-After, and start again with the day', async () => {
  await start({ switches: { requestsPerDay: 2, retryAfterSeconds: 30, quotaResetHour: 12 } })
  const statuses = async () => [(await find('')).status, (await find('')).status, (await find('')).status]
  expect(await statuses()).toEqual([200, 200, 429])
  expect((await find('')).headers.get('retry-after')).toBe('30')
  setTime(Date.UTC(2026, 10, 23, 11, 59))
  expect((await find('')).status).toBe(429)
  setTime(Date.UTC(2026, 10, 23, 12))
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
      const [response] = await once(sent, 'response')
      response.resume()
      return response.statusCode as number
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
