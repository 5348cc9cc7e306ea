import { createMeter, fileStore } from '@px-usage/core'

// An app that has nothing left to do, and neither closes its meter nor knows of it.
const before = ['SIGTERM', 'SIGINT', 'exit', 'beforeExit'].map((event) => process.listenerCount(event))
const meter = createMeter({
  store: fileStore({ dir: process.argv[2] as string }),
  apiKey: 'key',
  productKey: 'AP-TEST-2',
  baseUrl: 'http://127.0.0.1:9',
})
const call = { method: 'GET', route: '/', statusCode: 200, aborted: false }
for (let times = 0; times < 5; times++) meter.record({ ...call, identity: { userId: 'ann' } })
await meter.flush()
meter.record({ ...call, identity: { userId: 'ann' } })
const after = ['SIGTERM', 'SIGINT', 'exit', 'beforeExit'].map((event) => process.listenerCount(event))
console.log(JSON.stringify({ before, after }))
