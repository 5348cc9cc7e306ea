import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileStore, pxUsage } from '@px-usage/express'
import { redisStore } from '@px-usage/redis'
import express from 'express'
import { createClient } from 'redis'

/** A worker of a service: an Express app that counts into a folder, or into the Redis at a port. */
const [kind = '', place = ''] = process.argv.slice(2)

async function storeOf() {
  if (kind === 'folder') return fileStore({ dir: place })
  const client = createClient({ url: `redis://127.0.0.1:${place}`, disableOfflineQueue: true })
  client.on('error', () => {})
  await client.connect()
  return redisStore({ sendCommand: (args) => client.sendCommand(args) })
}

const app = express()
app.use(
  pxUsage({
    ...{ apiKey: 'key', productKey: 'AP-BENCH-2', store: await storeOf() },
    delivery: async () => ({ outcome: 'retryable', reason: 'PX is not part of this bench.' }),
    identify: (req) => ({ userId: String(req.headers['x-user']) }),
  }),
)
for (let route = 0; route < 10; route++)
  app.get(`/v1/things-${route}/:id`, (req, res) => void res.json({ id: req.params.id }))
const server = createServer(app).listen(0, '127.0.0.1', () =>
  process.send?.((server.address() as AddressInfo).port),
)
// A connection that is closed while the reader starts would end the bench.
server.keepAliveTimeout = 600_000
process.on('disconnect', () => process.exit())
