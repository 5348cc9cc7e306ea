import assert from 'node:assert/strict'
import { once } from 'node:events'
import { memoryStore, pxUsage } from '@px-usage/express'
import { fakeClock, inMemoryDelivery } from '@px-usage/express/testing'
import express from 'express'

const clock = fakeClock('2026-11-23T10:00:00Z')
const px = inMemoryDelivery()
const usage = pxUsage({
  identify: (req) => ({ userId: req.get('x-user') }),
  clock,
  delivery: px.delivery,
  store: memoryStore(),
})
const app = express()
app.use(usage)
app.get('/v1/items/:id', (_req, res) => res.json({}))
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
await fetch(`http://127.0.0.1:${server.address().port}/v1/items/7`, { headers: { 'x-user': 'ann' } })
server.closeAllConnections()
server.close()
await clock.advance(25 * 3_600_000)
await usage.meter.close()
const events = px.events.map(({ identifyId, attributes }) => [
  identifyId,
  attributes.endpoint,
  attributes.apiCalls,
])
assert.deepEqual(events, [
  ['ann', undefined, 1],
  ['ann', '/v1/items/:id', 1],
])
console.log('counted 1 call')
