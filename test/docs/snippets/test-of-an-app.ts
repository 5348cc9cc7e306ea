import { memoryStore, pxUsage } from '@px-usage/express'
import { inMemoryDelivery } from '@px-usage/express/testing'
import express from 'express'
import inject from 'light-my-request' // or supertest

const px = inMemoryDelivery()
const usage = pxUsage({
  identify: () => ({ userId: 'ann' }),
  store: memoryStore(),
  delivery: px.delivery,
})
const app = express().use(usage)
app.get('/orders/:id', (_req, res) => void res.send('ok'))

await inject(app, '/orders/7')
await usage.meter.close()
console.log(px.events) // dailyApiCalls, and dailyEndpointCalls of GET /orders/:id

// ---
export const shown = /endpoint: '\/orders\/:id'/
export const { meter } = usage
