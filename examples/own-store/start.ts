import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { createMeter } from '@px-usage/express'
import { jsonStore } from './json-store.ts'

// Counts in one meter, closes it as a restart does, and counts on in a second one. PX receives one event of the day.
const dir = await mkdtemp(join(tmpdir(), 'px-usage-own-store-'))
const path = join(dir, 'usage.json')
const clock = fakeClock('2026-11-23T10:00:00Z')
const px = inMemoryDelivery()
const startMeter = () => createMeter({ store: jsonStore(path), clock, delivery: px.delivery })
const call = { method: 'GET', route: '/orders/:id', statusCode: 200, aborted: false }

const first = startMeter()
for (let calls = 0; calls < 3; calls++) first.record({ identity: { userId: 'ann' }, ...call })
const { kept } = await first.close()
console.log('After the first process the file keeps', kept.calls, 'calls')

const second = startMeter()
for (let calls = 0; calls < 2; calls++) second.record({ identity: { userId: 'ann' }, ...call })
await clock.advance(24 * 3_600_000)
await second.flush()
for (const { eventName, identifyId, attributes } of px.events) {
  console.log('PX received', eventName, identifyId, attributes.endpoint ?? '-', attributes.apiCalls)
}
await second.close()
await rm(dir, { recursive: true })
