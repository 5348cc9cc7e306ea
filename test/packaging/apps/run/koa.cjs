const assert = require('node:assert/strict')
const { once } = require('node:events')
const Koa = require('koa')
const { memoryStore, pxUsage } = require('@px-usage/koa')
const { fakeClock, inMemoryDelivery } = require('@px-usage/koa/testing')

async function main() {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const px = inMemoryDelivery()
  const usage = pxUsage({
    identify: (ctx) => ({ userId: ctx.get('x-user') }),
    clock,
    delivery: px.delivery,
    store: memoryStore(),
  })
  const app = new Koa()
  app.use(usage)
  app.use((ctx) => {
    ctx.body = {}
  })
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
    ['ann', '(unmatched)', 1],
  ])
  console.log('counted 1 call')
}

void main()
