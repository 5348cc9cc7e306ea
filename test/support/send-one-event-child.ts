import { createMeter, memoryStore } from '@px-usage/core'

// An app that sends one real-time event and ends.
const meter = createMeter({
  apiKey: 'key',
  productKey: 'AP-TEST-2',
  baseUrl: process.argv[2],
  store: memoryStore(),
  startJitterMs: 0,
})
meter.track('Report Made', { userId: 'ann' })
await meter.close()
