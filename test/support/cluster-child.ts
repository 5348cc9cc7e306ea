import { appendFileSync } from 'node:fs'
import { createMeter, fileStore } from '@px-usage/core'
import { fastClock } from './fast-clock.ts'

/*
 * A worker that counts calls of a user of its own and shares the folder with the others. It writes down what it is about to
 * count and what is stored, so that the truth is known whenever it is killed.
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

let running = true
process.on('SIGTERM', () => {
  running = false
  void meter.close().then(() => process.exit(0))
})
process.send?.('ready')
while (running) {
  const { day } = meter.stats()
  const calls = 1 + Math.floor(Math.random() * 5)
  write({ day, calls })
  const { stored } = meter.stats().calls
  for (let call = 0; call < calls; call++) {
    meter.record({ identity: { userId: user }, method: 'GET', route: '/', statusCode: 200, aborted: false })
  }
  // Midnight came in between: nobody can say which of the two days has them.
  if (meter.stats().day !== day) write({ unclear: [day, meter.stats().day] })
  while (meter.stats().calls.stored < stored + calls) await new Promise((resolve) => setImmediate(resolve))
  write({ stored: true })
  await new Promise((resolve) => setTimeout(resolve, 5))
}
