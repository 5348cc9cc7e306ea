import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { inMemoryDelivery } from '@px-usage/core/testing'
import { memoryStore } from '@px-usage/express'
import { startServer } from './server.ts'

// Starts the service, ends it by SIGTERM in the middle of a request, and prints what became of the request and of its count.
const px = inMemoryDelivery()
const { server, closed } = startServer(0, { store: memoryStore(), delivery: px.delivery })
await once(server, 'listening')
const { port } = server.address() as AddressInfo

const slow = fetch(`http://127.0.0.1:${port}/reports/2026`, { headers: { 'x-user': 'ann' } })
await sleep(100)
console.log('SIGTERM, with 1 request in progress')
process.kill(process.pid, 'SIGTERM')

const response = await slow
console.log('The request got', response.status)
const { lost } = await closed
console.log('Closed; lost:', lost.calls, 'calls,', lost.lines, 'events')
for (const { eventName, identifyId, attributes } of px.events) {
  console.log('PX received', eventName, identifyId, attributes.endpoint ?? '-', attributes.apiCalls)
}
