import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fleetOfMeters } from '../support/fleet-of-meters.ts'
import { connectClient } from '../support/redis-clients.ts'
import { hasRedis, startRedis } from '../support/redis-server.ts'

const closing: (() => Promise<unknown>)[] = []
beforeEach(() => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  vi.restoreAllMocks()
})

/** Two meters on a server that keeps its data in a snapshot only. */
async function twoMeters(config: Record<string, string | number> = {}) {
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
    ...{ redis, all, meters: [all.start(client), all.start(client)] as const },
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
    const { redis, all, meters } = await twoMeters({
      'key-load-delay': 10_000,
      'loading-process-events-interval-bytes': 1_024,
    })
    for (const meter of meters) all.count(meter, 10)
    await all.stored()
    for (let key = 0; key < 200; key++) await redis.command('SET', `other ${key}`, 'x'.repeat(1_000))
    await redis.command('SAVE')
    const restarting = redis.restart()
    await all.until(() => all.errors.some(({ message }) => message.includes('LOADING')))
    for (const meter of meters) all.count(meter, 1_000)
    expect(meters.map((meter) => meter.stats().calls.inMemory)).toEqual([1_000, 1_000])
    expect(all.longestCountMs()).toBeLessThan(100)
    await restarting
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('is restored from a backup of 2 minutes ago sends the counts since then again', async () => {
    const { all, meters, backUp, restore } = await twoMeters()
    for (const meter of meters) all.count(meter, 10)
    await all.stored()
    await backUp()
    for (const meter of meters) all.count(meter, 20)
    await all.stored()
    await all.clock.advance(120_000)
    await restore()
    all.count(meters[0], 5)
    expect(await all.dayInPx()).toEqual(all.truth())
    expect(all.errors.filter(({ code }) => code === 'PXU_ERR_STORE_REDIS_LOST')).toEqual([])
  })

  it('is restored from a backup of before the close sends no event twice', async () => {
    const { all, meters, backUp, restore } = await twoMeters()
    for (let user = 0; user < 20; user++) all.count(meters[user % 2] as never, 3, `user ${user}`)
    await all.stored()
    await backUp()
    expect(await all.dayInPx()).toEqual(all.truth())
    await restore()
    expect(await all.dayInPx()).toEqual(all.truth())
    const sender = meters.find((meter) => meter.stats().lines.closed > 0)
    await all.until(() => sender?.stats().lines.pending === 0)
    expect(sender?.stats().lines).toMatchObject({ pending: 0, unconfirmed: 0 })
  })
})
