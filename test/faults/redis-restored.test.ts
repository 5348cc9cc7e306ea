import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Meter } from '@px-usage/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fleetOfMeters } from '../support/fleet-of-meters.ts'
import { connectClient } from '../support/redis-clients.ts'
import { hasRedis, startRedis, startRedisPair } from '../support/redis-server.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const closing: (() => Promise<unknown>)[] = []
beforeEach(() => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  vi.restoreAllMocks()
})

/** Meters on a server that keeps its data in a snapshot only. */
async function metersOn(count: number, config: Record<string, string | number> = {}) {
  const redis = await startRedis({ config: { appendonly: 'no', ...config } })
  closing.push(redis.stop)
  const client = await connectClient('node-redis', { port: redis.port })
  closing.push(client.close)
  const all = fleetOfMeters()
  closing.push(all.close)
  const [snapshot, backup] = ['dump.rdb', 'backup.rdb'].map((name) => join(redis.dir, name)) as [
    string,
    string,
  ]
  return {
    ...{ redis, all, meters: Array.from({ length: count }, () => all.start(client)) },
    async backUp() {
      await redis.command('SAVE')
      copyFileSync(snapshot, backup)
    },
    async restore() {
      await redis.kill()
      copyFileSync(backup, snapshot)
      await redis.restart()
    },
  }
}

describe.skipIf(!hasRedis())('a fleet whose Redis', { timeout: 120_000 }, () => {
  it('loads a large file after its restart waits with its counts, and the app does not wait', async () => {
    const { redis, all, meters } = await metersOn(2, {
      'key-load-delay': 10_000,
      rdbcompression: 'no',
      'loading-process-events-interval-bytes': 1_024,
    })
    for (const meter of meters) all.count(meter, 10)
    await all.stored()
    // It would load them for 20 seconds, so that a busy machine also reconnects meanwhile.
    await redis.command('DEBUG', 'POPULATE', 2_000, 'other', 1_000)
    await redis.command('SAVE')
    const restarting = redis.restart()
    await all.until(() => all.errors.some(({ message }) => message.includes('LOADING')))
    for (const meter of meters) all.count(meter, 1_000)
    expect(meters.map((meter) => meter.stats().calls.inMemory)).toEqual([1_000, 1_000])
    expect(all.longestCountMs()).toBeLessThan(100)
    await redis.command('CONFIG', 'SET', 'key-load-delay', 0)
    await restarting
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('is restored from a backup of 2 minutes ago sends the counts since then again', async () => {
    const { all, meters, backUp, restore } = await metersOn(2)
    for (const meter of meters) all.count(meter, 10)
    await all.stored()
    await backUp()
    for (const meter of meters) all.count(meter, 20)
    await all.stored()
    await all.clock.advance(120_000)
    await restore()
    for (const meter of meters) all.count(meter, 5)
    expect(await all.dayInPx()).toEqual(all.truth())
    expect(all.errors.filter(({ code }) => code === 'PXU_ERR_STORE_REDIS_LOST')).toEqual([])
  })

  it('is restored from a backup of before the close sends no event twice', async () => {
    const { all, meters, backUp, restore } = await metersOn(1)
    const [meter] = meters as [Meter]
    for (let user = 0; user < 20; user++) all.count(meter, 3, `user ${user}`)
    await all.stored()
    await backUp()
    expect(await all.dayInPx()).toEqual(all.truth())
    await restore()
    await all.until(() => meter.stats().lines.closed > 0 && meter.stats().lines.pending === 0, 30_000)
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('fails over after midnight and loses the close and what was sent sends no event twice', async () => {
    const pair = await startRedisPair()
    closing.push(pair.stop)
    const proxy = await startTcpProxy(pair.primary.port)
    closing.push(proxy.close)
    const client = await connectClient('ioredis', { port: proxy.port })
    closing.push(client.close)
    const all = fleetOfMeters()
    closing.push(all.close)
    const meter = all.start(client)
    for (let user = 0; user < 20; user++) all.count(meter, 3, `user ${user}`)
    await all.stored()
    await pair.primary.command('WAIT', 1, 1_000)
    pair.replica.pause()
    expect(await all.dayInPx()).toEqual(all.truth())
    await pair.primary.kill()
    pair.replica.resume()
    await pair.promote()
    proxy.target = pair.replica.port
    proxy.disconnect()
    await all.until(() => meter.stats().lines.delivered === 40, 30_000)
    expect(await all.dayInPx()).toEqual(all.truth())
  })
})
