import { startEmulator } from 'px-emulator'
import { expect, test } from 'vitest'
import { runCli, tooWide } from '../../support/run-cli.ts'

const dayMs = 86_400_000
const now = () => Date.UTC(2026, 10, 21, 10)

test('budget shows events so far and expected, their causes, and ends with 1 over the contract', async () => {
  await using px = await startEmulator({ port: 0, now, switches: { requestsPerSecond: null } })
  for (let at = 1; at <= 28; at++) {
    for (const [eventName, endpoint] of [
      ['dailyApiCalls'],
      ['dailyEndpointCalls', '/a'],
      ['dailyEndpointCalls', '/b'],
    ]) {
      const attributes = {
        ...{ apiCalls: 3, apiType: 'RESTful', rollupId: `${eventName}-${endpoint}-${at}` },
        ...(endpoint === undefined ? {} : { method: 'GET', endpoint }),
      }
      const date = Date.UTC(2026, 10, 21, 12) - at * dayMs
      const body = {
        eventName,
        identifyId: 'ann',
        propertyKey: px.productKey,
        userType: 'USER',
        date,
        attributes,
      }
      const headers = { 'X-APTRINSIC-API-KEY': px.apiKey, 'content-type': 'application/json' }
      await fetch(`${px.url}/v1/events/custom`, { method: 'POST', headers, body: JSON.stringify(body) })
    }
  }
  const env = { PX_BASE_URL: px.url, PX_API_KEY: px.apiKey }
  const args = ['budget', '--days', '28', '--contract']
  const over = await runCli([...args, '80'], { env, now })
  expect(over).toMatchObject({ code: 1, err: '' })
  expect(tooWide(over.out)).toEqual([])
  expect(over.out).toMatch(/all {2,}60 {2,}90 {2,}93 {2,}113 %\n/)
  expect(over.out).toContain('The contract includes 80 events a month: 10 too few for this month.')
  expect(over.out).toMatch(/fold all endpoints of a user into one {2,}1 {2,}50 %/)

  const enough = await runCli([...args, '100', '--json'], { env, now })
  expect(enough.code).toBe(0)
  expect(JSON.parse(enough.out)).toMatchObject({
    month: '2026-11',
    total: { soFar: 60, thisMonth: 90, nextMonth: 93 },
  })
})

test.each([
  [['--contract', 'x'], /--contract x: give a whole number/],
  [['--days', '20'], /--days 20: give a whole number from 28 to 180/],
  [[], /There is no API key of PX/],
  [['extra'], /too many arguments/i],
])('wrong arguments give one line and exit code 2: %j', async (args, message) => {
  const { code, out, err } = await runCli(['budget', ...args])
  expect([code, out, err.split('\n').length]).toEqual([2, '', 2])
  expect(err).toMatch(message)
})
