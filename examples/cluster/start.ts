import cluster from 'node:cluster'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter } from '@px-usage/express'
import { startEmulator } from 'px-emulator'

// Starts two processes behind one port, calls them, and prints what PX would receive of both.
const px = await startEmulator({ port: 0 })
const dir = await mkdtemp(join(tmpdir(), 'px-usage-cluster-'))
Object.assign(process.env, {
  PORT: '0',
  PX_USAGE_DIR: dir,
  PX_API_KEY: px.apiKey,
  PX_PRODUCT_KEY: px.productKey,
  PX_BASE_URL: px.url,
})
cluster.setupPrimary({ exec: new URL('worker.ts', import.meta.url).pathname })
const workers = [cluster.fork(), cluster.fork()]
const [address] = (
  await Promise.all(workers.map((worker) => once(worker, 'listening')))
).flat() as AddressInfo[]

const served = new Set<number>()
for (let call = 0; call < 20; call++) {
  // A connection for each call, so that the calls spread over the workers.
  const headers = { 'x-user': 'ann', connection: 'close' }
  const response = await fetch(`http://127.0.0.1:${address?.port}/orders/${call}`, { headers })
  served.add(((await response.json()) as { process: number }).process)
}
console.log('20 calls of ann, served by', served.size, 'processes')

for (const worker of workers) worker.process.kill('SIGTERM')
await Promise.all(workers.map((worker) => once(worker, 'exit')))

// A meter on the same folder sees what all processes have counted.
const meter = createMeter()
for (const { eventName, identifyId, accountId, attributes } of await meter.preview()) {
  console.log(eventName, identifyId, 'of', accountId, attributes.endpoint ?? '-', attributes.apiCalls)
}
await meter.close()
await px.close()
await rm(dir, { recursive: true })
