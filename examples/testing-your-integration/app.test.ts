import assert from 'node:assert/strict'
import test from 'node:test'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { createMeter, memoryStore } from '@px-usage/express'
import request from 'supertest'
import { createApp } from './app.ts'

test('a call counts for the user of its key, under the route template', async () => {
  const px = inMemoryDelivery()
  const meter = createMeter({ store: memoryStore(), delivery: px.delivery })
  const app = createApp(meter)
  await request(app).get('/orders/7').set('x-api-key', 'key-of-ann').expect(200)
  await request(app).get('/orders/8').set('x-api-key', 'key-of-ann').expect(200)
  await meter.close()
  const seen = px.events.map(({ identifyId, accountId, attributes }) => [
    identifyId,
    accountId,
    attributes.endpoint,
    attributes.apiCalls,
  ])
  assert.deepEqual(seen, [
    ['ann', 'acme', undefined, 2],
    ['ann', 'acme', '/orders/:id', 2],
  ])
})

test('a call without a key is anonymous, and PX gets no event of it', async () => {
  const px = inMemoryDelivery()
  const meter = createMeter({ store: memoryStore(), delivery: px.delivery })
  await request(createApp(meter)).get('/orders/7').expect(401)
  await meter.close()
  assert.equal(meter.stats().calls.unattributed.anonymous, 1)
  assert.deepEqual(px.events, [])
})

test('a day is sent when it is over', async () => {
  const px = inMemoryDelivery()
  const clock = fakeClock('2026-11-23T20:00:00Z')
  const meter = createMeter({ store: memoryStore(), delivery: px.delivery, clock })
  await request(createApp(meter)).get('/orders/7').set('x-api-key', 'key-of-ann').expect(200)
  await clock.advance(3 * 3_600_000)
  assert.equal(px.events.length, 0)
  await clock.advance(2 * 3_600_000)
  assert.equal(px.events[0]?.attributes.day, '2026-11-23')
  await meter.close()
})
