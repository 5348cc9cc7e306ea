import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMeter } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { redisStore } from '@px-usage/redis'
import { createApp as createExpressApp } from 'example-express-basic/app.ts'
import { createApp as createKoaApp } from 'example-koa-basic/app.ts'
import { connectClient } from './redis-clients.ts'

/** What a host runs: one app for each subscription of PX, each of which has its own time zone. */
export interface StoryHost {
  readonly app: 'express' | 'koa'
  readonly redisPort: number
  readonly start: string
  readonly subscriptions: readonly { timeZone: string; apiKey: string; productKey: string; baseUrl: string }[]
}

/** Moves the clock of a host by `advanceMs`, and ends the host if there is none. */
export interface StoryStep {
  readonly advanceMs?: number
}

const host = JSON.parse(process.argv[2] as string) as StoryHost
const client = await connectClient(host.app === 'koa' ? 'ioredis' : 'node-redis', { port: host.redisPort })
const clock = fakeClock(host.start)
const apps = host.subscriptions.map((subscription) => {
  const store = redisStore({ sendCommand: (args, key) => client.sendCommand(args, key) })
  const meter = createMeter({ ...subscription, store, clock, startJitterMs: 0 })
  const listener: RequestListener =
    host.app === 'koa' ? createKoaApp({ meter }).app.callback() : createExpressApp({ meter }).app
  return { meter, server: createServer(listener).listen(0, '127.0.0.1') }
})
await Promise.all(apps.map(({ meter }) => meter.flush()))

process.on('message', async ({ advanceMs }: StoryStep) => {
  if (advanceMs === undefined) {
    const reports = await Promise.all(apps.map(({ meter }) => meter.close()))
    for (const { server } of apps) server.close()
    await client.close()
    process.send?.(reports.map(({ lost }) => lost.calls))
    process.disconnect()
    return
  }
  await clock.advance(advanceMs)
  await Promise.all(apps.map(({ meter }) => meter.flush()))
  process.send?.(apps.map(({ meter }) => meter.stats().calls.counted))
})
process.send?.(apps.map(({ server }) => (server.address() as AddressInfo).port))
