import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { memoryStore } from '@px-usage/koa'
import { createApp } from './app.ts'

// Calls the app a few times, and prints what PX would receive for this day.
const { app, meter } = createApp({ dryRun: true, store: memoryStore() })
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo

async function call(method: string, path: string, user?: string): Promise<void> {
  const headers: Record<string, string> = user === undefined ? {} : { 'x-user': user, 'x-account': 'acme' }
  await fetch(`http://127.0.0.1:${port}${path}`, { method, headers })
}
await call('GET', '/v2/invoices/7', 'ann')
await call('GET', '/v2/invoices/8', 'ann')
await call('GET', '/v2/invoices', 'ann')
await call('DELETE', '/v2/invoices/7', 'bob')
await call('GET', '/no/such/path', 'bob')
await call('GET', '/v2/invoices')

for (const { eventName, identifyId, attributes } of await meter.preview()) {
  const { method, endpoint, apiCalls } = attributes
  console.log(eventName, identifyId, endpoint === undefined ? '-' : `${method} ${endpoint}`, apiCalls)
}
const { counted, unattributed } = meter.stats().calls
console.log(`${counted} calls counted, ${unattributed.anonymous} anonymous`)
server.close()
server.closeAllConnections()
await meter.close()
