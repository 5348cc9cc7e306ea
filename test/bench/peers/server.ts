import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connectInMemory } from '../../support/in-memory-client.ts'
import { createRequests, toBytes } from './api.ts'
import { createListener } from './cases.ts'

/** One case in a process of its own. It serves a port, and itself without a network as its parent asks for. */
const [framework = 'express', name = 'bare'] = process.argv.slice(2)
const server = createServer(createListener(framework, name))
const client = connectInMemory(server, createRequests().map(toBytes))

function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

process.on('message', async ({ calls }: { calls: number }) => {
  const before = cpuUs()
  if (calls > 0) await client.send(calls)
  const total = cpuUs()
  process.send?.({ cpuUs: total - before, totalCpuUs: total })
})
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
