const { memoryStore, pxUsage } = require('@px-usage/express')
const { inMemoryDelivery } = require('@px-usage/express/testing')
const express = require('express')
const request = require('supertest')

test('a call becomes two events of its user', async () => {
  const px = inMemoryDelivery()
  const usage = pxUsage({
    identify: () => ({ userId: 'ann' }),
    store: memoryStore(),
    delivery: px.delivery,
  })
  const app = express().use(usage)
  app.get('/orders/:id', (_req, res) => void res.send('ok'))

  await request(app).get('/orders/7').expect(200)
  await usage.meter.close()
  expect(px.events.map(({ eventName }) => eventName)).toEqual(['dailyApiCalls', 'dailyEndpointCalls'])
})
