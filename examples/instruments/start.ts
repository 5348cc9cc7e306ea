import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createMeter, memoryStore } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { startEmulator } from 'px-emulator'
import { createApp } from './app.ts'

// Runs one usage day in a few seconds: real requests to the app and to a local PX, on a clock that this script advances.
const clock = fakeClock('2026-11-23T10:00:00Z')
const number = { type: 'NUMBER' } as const
const px = await startEmulator({
  port: 0,
  attributes: {
    user: [{ apiName: 'dailyApiCalls', ...number }],
    account: [
      { apiName: 'dailyApiCalls', ...number },
      { apiName: 'storageGigabytes', ...number },
    ],
  },
})
const meter = createMeter({
  apiKey: px.apiKey,
  productKey: px.productKey,
  baseUrl: px.url,
  store: memoryStore(),
  clock,
  startJitterMs: 0,
  attributes: {
    user: { apiCalls: 'dailyApiCalls' },
    account: { apiCalls: 'dailyApiCalls', gigabytes: 'storageGigabytes' },
    createMissing: true,
  },
  onError: (error) => console.error(error.message),
})

const server = createApp(meter).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
for (const user of ['ann', 'bob']) {
  const headers = { 'x-user': user, 'x-account': 'acme' }
  await fetch(`http://127.0.0.1:${port}/v1/login`, { method: 'POST', headers })
  await fetch(`http://127.0.0.1:${port}/v1/reports/7/export`, { method: 'POST', headers })
}
server.close()
server.closeAllConnections()

await meter.flush()
await clock.advance(15 * 3_600_000)
await meter.flush()
await meter.close()

console.log('Received by PX:')
for (const { eventName, identifyId, accountId, attributes = {} } of px.events()) {
  const { timestamp, day, timeZone, rollupId, ...shown } = attributes
  console.log(eventName, JSON.stringify({ user: identifyId, account: accountId, day, ...shown }))
}
for (const { method, url, body } of px.requests) {
  if (method === 'GET' || url === '/v1/events/custom') continue
  console.log(method, url, JSON.stringify(JSON.parse(body).customAttributes))
}
await px.close()
