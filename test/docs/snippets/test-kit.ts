import { createMeter, memoryStore } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'

const clock = fakeClock('2026-11-23T10:00:00Z')
const px = inMemoryDelivery()
const meter = createMeter({ clock, delivery: px.delivery, store: memoryStore() })
meter.record({ identity: { userId: 'ann' }, method: 'GET', route: '/', statusCode: 200, aborted: false })
await clock.advance(24 * 3_600_000)
await meter.flush()
console.log(px.events) // what PX would have received

// ---
export const shown = /day: '2026-11-23'/
export { meter }
