import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileStore, memoryStore } from '@px-usage/core'
import { pxUsage } from '@px-usage/http'
import { send } from './http-client.ts'

// A service as a newcomer writes it, without onError: what its terminal shows is all that its author learns.
const [, , mode = '', dir = ''] = process.argv

// Root may write everywhere, so a folder is read-only to other users only.
if (mode.startsWith('read-only') && process.getuid?.() === 0) process.setuid?.(65_534)
const usage = pxUsage({
  identify(req) {
    const user = mode === 'identify throws' ? undefined : { id: String(req.headers['x-user']) }
    return { userId: (user as { id: string }).id, accountId: 'acme' }
  },
  store: mode === 'SIGTERM, memory store' ? memoryStore() : fileStore({ dir }),
  closeOnSignal: true,
  startJitterMs: 0,
})

const server = createServer((req, res) => {
  usage(req, res)
  res.end('ok')
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
for (let i = 0; i < 3; i++) await send(url, { headers: { 'x-user': 'ann' } })
// A real-time event is sent at once, as the lines of a day are once it has closed.
if (!mode.startsWith('SIGTERM')) usage.meter.track('Report Made', { userId: 'ann', accountId: 'acme' })
console.log('ready')
