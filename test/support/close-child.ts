import { createMeter, memoryStore } from '@px-usage/core'
import { inMemoryDelivery } from '@px-usage/core/testing'

// An app that has nothing left to do but to close its meter, while one identify never resolves.
const px = inMemoryDelivery()
const meter = createMeter({ store: memoryStore(), delivery: px.delivery, identifyTimeoutMs: 200 })
const call = { method: 'GET', route: '/', statusCode: 200, aborted: false }
meter.record({ ...call, identity: { userId: 'ann' } })
meter.record({ ...call, identity: new Promise<undefined>(() => {}) })
const report = await meter.close()
process.stdout.write(JSON.stringify({ report, events: px.events.length }))
