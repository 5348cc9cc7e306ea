import { memoryStore } from '@px-usage/express'
import { createApp } from './app.ts'

// Calls the app a few times, and prints what PX would receive for this day.
const { app, meter } = await createApp({ dryRun: true, store: memoryStore() })
await app.listen(0, '127.0.0.1')
const api = `${await app.getUrl()}/api`
const get = (path: string, key: string) => fetch(api + path, { headers: { 'x-api-key': key } })
await get('/v1/orders/7', 'key of ann')
await get('/v1/orders/8', 'key of ann')
await get('/v2/orders/9', 'key of bob')
await get('/v1/orders/7', 'an old key')
await get('/health', '')

for (const { eventName, identifyId, attributes } of await meter.preview()) {
  const { method, endpoint, apiCalls } = attributes
  console.log(eventName, identifyId, endpoint === undefined ? '-' : `${method} ${endpoint}`, apiCalls)
}
const { counted, ignored, unattributed } = meter.stats().calls
console.log(`${counted} calls counted, ${unattributed.anonymous} anonymous, ${ignored} ignored`)
await app.close()
