import { appendFileSync } from 'node:fs'
import { createMeter, fileStore } from '@px-usage/core'
import { fastClock } from './fast-clock.ts'

/*
 * A worker that counts calls of a user of its own, and of one whom all workers serve, into the folder that they share. It
 * writes down what it is about to count and what is stored, so that the truth is known whenever it is killed.
 */
const [dir = '', user = '', startMs = '', realStartMs = '', speed = ''] = process.argv.slice(2)
const clock = fastClock(Number(startMs), Number(realStartMs), Number(speed))
const meter = createMeter({
  store: fileStore({ dir: `${dir}/usage` }),
  clock,
  rollups: [{ eventName: 'dailyApiCalls', by: 'identity' }],
  async delivery({ body }) {
    appendFileSync(`${dir}/arrived`, `${body}\n`)
    return { outcome: 'delivered' }
  },
})
await meter.flush()

function write(what: object): void {
  appendFileSync(`${dir}/truth.${user}`, `${JSON.stringify(what)}\n`)
}

function record(userId: string, calls: number): void {
  for (let call = 0; call < calls; call++) {
    meter.record({ identity: { userId }, method: 'GET', route: '/', statusCode: 200, aborted: false })
  }
}

let running = true
process.on('SIGTERM', () => {
  running = false
  void meter.close().then(() => process.exit(0))
})
process.send?.('ready')
while (running) {
  const { day } = meter.stats()
  const calls = { [user]: 1 + Math.floor(Math.random() * 5), everyone: 1 + Math.floor(Math.random() * 2) }
  write({ day, calls })
  const { counted } = meter.stats().calls
  for (const [userId, times] of Object.entries(calls)) record(userId, times)
  // Midnight came in between: these calls may be in either of the two days.
  if (meter.stats().day !== day) write({ orDay: meter.stats().day })
  const toStore = counted + Object.values(calls).reduce((sum, times) => sum + times, 0)
  while (meter.stats().calls.stored < toStore) await new Promise((resolve) => setImmediate(resolve))
  write({ stored: true })
  await new Promise((resolve) => setTimeout(resolve, 5))
}
