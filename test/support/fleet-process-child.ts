import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createMeter } from '@px-usage/core'
import { redisStore } from '@px-usage/redis'
import { Redis } from 'ioredis'
import { fastClock } from './fast-clock.ts'
import type { FleetProcessSettings } from './fleet-process.ts'

/*
 * A process of a fleet with a real meter. It writes down which calls it is about to count and which ones Redis has, so that the truth
 * is known whenever it is killed.
 */
const write = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`)
// The process ends with the one that started it, also when that one is killed.
process.stdin.on('close', () => process.exit())
const input = createInterface({ input: process.stdin })
write({ ready: true })
const [line] = (await once(input, 'line')) as [string]
const settings = JSON.parse(line) as FleetProcessSettings
const { startMs, realStartMs, speed } = settings.clock

const client = new Redis({
  port: settings.redisPort,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  retryStrategy: () => 10,
})
client.on('error', () => {})

const meter = createMeter({
  ...{ apiKey: settings.apiKey, productKey: settings.productKey, baseUrl: settings.pxUrl },
  store: redisStore({
    sendCommand: ([command = '', ...args]) => client.call(command, ...args),
    shards: 2,
    dir: settings.dir,
  }),
  clock: fastClock(startMs, realStartMs, speed),
  ...{ identifyTimeoutMs: 1_000, graceMs: 60_000, startJitterMs: 0 },
  // Requests take real time: a minute of this clock is a second.
  ...{ requestTimeoutMs: 5_000, lookUpAfterMs: 120_000 },
  maxRequestsPerSecond: 200,
  onError: ({ code, message }) => void write({ error: `${code}: ${message}` }),
})
let isEnding = false
process.on('SIGTERM', () => {
  isEnding = true
  void meter.close().then(() => process.exit())
})

function record(calls: Record<string, number>): void {
  for (const [userId, times] of Object.entries(calls)) {
    for (let call = 0; call < times; call++) {
      meter.record({ identity: { userId }, method: 'GET', route: '/', statusCode: 200, aborted: false })
    }
  }
}

while (!isEnding) {
  const calls: Record<string, number> = { everyone: 1 }
  for (let n = 0; n < 20; n++) {
    const user = `user ${Math.floor(Math.random() * settings.users)}`
    calls[user] = (calls[user] ?? 0) + 1
  }
  const { day, lines } = meter.stats()
  write({ day, calls, leads: lines.closed > 0 })
  record(calls)
  // Midnight came in between: these calls may be in either of the two days.
  if (meter.stats().day !== day) write({ orDay: meter.stats().day })
  do await new Promise((resolve) => setTimeout(resolve, 10))
  while (meter.stats().calls.inMemory > 0)
  write({ stored: true })
}
