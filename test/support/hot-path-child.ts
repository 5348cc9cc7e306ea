import { createHook } from 'node:async_hooks'
import { createMeter, memoryStore } from '@px-usage/core'
import { inMemoryDelivery } from '@px-usage/core/testing'
import { ownProperties, tableWith } from './series-tables.ts'

/** What counting calls of known series leaves on the heap and makes in promises. Needs `--expose-gc`. */
const users = Array.from({ length: 1_000 }, (_, at) => ({
  userId: `user-${at}`,
  accountId: `account-${at % 50}`,
}))
const routes = Array.from({ length: 20 }, (_, at) => `/v1/things/:id/parts-${at}`)
const counted = routes.map((route) => ({
  endpoint: { method: 'GET', route },
  properties: ownProperties,
  statusCode: 404,
  aborted: true,
}))
const calls = 1_000_000

function heapUsed(): number {
  return process.memoryUsage().heapUsed
}

function heapKept(): number {
  globalThis.gc?.()
  return heapUsed()
}

/** Bytes that a million calls of known series took, whether or not they are garbage by now. */
function takenByTable(): number {
  const { table } = tableWith()
  const count = (times: number) => {
    for (let call = 0; call < times; call++) {
      table.addCall(users[call % 1_000] as (typeof users)[0], counted[call % 20] as (typeof counted)[0])
    }
  }
  count(200_000)
  heapKept()
  const before = heapUsed()
  count(calls)
  return heapUsed() - before
}

/** Bytes kept for users whose ids were cut out of long headers: V8 makes such an id a view into the header. */
function keptForCutIds(): number {
  const { table } = tableWith()
  const before = heapKept()
  for (let user = 0; user < 1_000; user++) {
    const id = `user-with-a-long-id-${user}`
    const header = Buffer.from(id.padEnd(50_000, '.')).toString('latin1')
    const identity = { userId: header.slice(0, id.length), accountId: header.slice(2, id.length) }
    table.addCall(identity, {
      properties: ownProperties,
      endpoint: { method: 'GET', route: '/' },
      statusCode: 200,
      aborted: false,
    })
  }
  const kept = heapKept() - before
  if (table.size !== 1_000) throw new Error(`${table.size} series`)
  return kept
}

const meter = createMeter({ store: memoryStore(), delivery: inMemoryDelivery().delivery })
function record(times: number): void {
  for (let call = 0; call < times; call++) {
    const route = routes[call % 20]
    meter.record({
      identity: users[call % 1_000],
      method: 'GET',
      route,
      statusCode: 200,
      aborted: false,
    })
  }
}

let promises = 0
let resources = 0
const hook = createHook({
  init(_id, type) {
    resources += 1
    if (type === 'PROMISE') promises += 1
  },
})

const tableBytes = takenByTable()
const cutIdBytes = keptForCutIds()
record(100_000)
await meter.flush()
const before = heapKept()
hook.enable()
record(calls)
hook.disable()
const made = { promises, resources }
await meter.flush()
const kept = heapKept() - before
process.stdout.write(
  JSON.stringify({ calls, tableBytes, cutIdBytes, kept, ...made, counted: meter.stats().calls.counted }),
)
await meter.close()
