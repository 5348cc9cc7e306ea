import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMeter, type Identity, memoryStore } from '@px-usage/core'
import { inMemoryDelivery } from '@px-usage/core/testing'
import { identifyBy, pxUsage } from '@px-usage/express'
import express, { type Request } from 'express'

// The app of bench/lookup-latency.ts: with the middleware and a lookup that misbehaves, or bare. Prints its port first, and
// what it counted when it is asked.
const isMetered = process.argv[2] === 'metered'
const lookups = new Map<string, { asked: number; found: number }>()
const meter = createMeter({ store: memoryStore(), delivery: inMemoryDelivery().delivery })

/** Fails 30 times of 100, hangs 10, and is slow 20. */
function lookup(key: string): Promise<Identity> {
  const seen = lookups.get(key) ?? { asked: 0, found: 0 }
  lookups.set(key, seen)
  seen.asked += 1
  const dice = Math.random()
  if (dice < 0.1) return new Promise(() => {})
  const delayMs = dice < 0.3 ? 400 : 3
  return new Promise((resolve, reject) => {
    setTimeout(() => {
      if (dice >= 0.7) return reject(new Error('connection reset'))
      seen.found += 1
      resolve({ userId: `user of ${key}` })
    }, delayMs)
  })
}

const app = express()
if (isMetered) {
  const credential = (req: Request) => req.get('x-api-key')
  app.use(pxUsage({ meter, identify: identifyBy({ credential, lookup }) }))
}
app.get('/v1/users/:id', (req, res) => {
  res.json({ id: req.params.id, name: 'Ann', roles: ['admin', 'billing'], note: 'x'.repeat(120) })
})

// Connections wait for their turn, longer than the five seconds that Node gives them.
const server = createServer({ keepAliveTimeout: 0 }, app).listen(0, '127.0.0.1', () =>
  process.send?.((server.address() as AddressInfo).port),
)
process.on('message', () => {
  const seen = [...lookups.values()]
  process.send?.({
    ...meter.stats().calls,
    lookups: seen.reduce((sum, { asked }) => sum + asked, 0),
    mostFound: Math.max(0, ...seen.map(({ found }) => found)),
  })
})
process.on('disconnect', () => process.exit())
