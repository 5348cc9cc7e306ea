import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createMeter, memoryStore } from '@px-usage/express'
import { createApp } from './app.ts'

// Calls the app with several keys, and prints which of them were looked up, and what PX would receive.
const table = new Map([
  ['key-of-ann', { userId: 'ann', accountId: 'acme' }],
  ['key-of-bob', { userId: 'bob', accountId: 'globex' }],
])
const lookups: string[] = []
const keys = {
  async find(key: string) {
    lookups.push(key)
    return table.get(key)
  },
}

const meter = createMeter({ dryRun: true, store: memoryStore() })
const server = createApp(meter, keys).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
for (const key of ['key-of-ann', 'key-of-ann', 'key-of-bob', 'key-of-ann', 'an-old-key']) {
  await fetch(`http://127.0.0.1:${port}/orders/7`, { headers: { 'x-api-key': key } })
}
server.close()
server.closeAllConnections()

console.log('5 calls; looked up:', lookups.join(', '))
await meter.flush()
for (const { eventName, identifyId, accountId, attributes } of await meter.preview()) {
  console.log(eventName, identifyId, 'of', accountId, attributes.endpoint ?? '-', attributes.apiCalls)
}
console.log('without an identity:', meter.stats().calls.unattributed.anonymous)
await meter.close()
