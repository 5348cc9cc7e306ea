import { pxUsage } from '@px-usage/express'
import express from 'express'
import supertest from 'supertest'
import { expect, test } from 'vitest'

// The meter is not closed, as in most suites, and it keeps its counts in a folder.
test('an app that counts its calls', async () => {
  const usage = pxUsage({ identify: () => ({ userId: 'ann' }), dryRun: true })
  const app = express()
  app.use(usage)
  app.get('/v1/items', (_req, res) => res.json([]))
  await supertest(app).get('/v1/items').expect(200)
  expect(usage.meter.stats().calls.counted).toBe(1)
})
