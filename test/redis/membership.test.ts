import { type FakeClock, fakeClock } from '@px-usage/core/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { silentAfterMs } from '../../packages/redis/src/membership.ts'
import { batches, day, oneLinePerUserOnce } from '../support/count-batch.ts'
import { openFleetStore, redisOfTests } from '../support/redis-fleet.ts'
import { hasRedis } from '../support/redis-server.ts'

describe.skipIf(!hasRedis())('the processes of a fleet', () => {
  const redis = redisOfTests()
  let clock: FakeClock
  beforeEach(() => {
    clock = fakeClock('2026-11-23T10:00:00Z')
  })

  const open = (options = {}) => openFleetStore(redis, { clock, ...options })
  const passed = async (ms: number) => {
    for (let left = ms; left > 0; left -= 5_000) {
      await clock.advance(Math.min(left, 5_000))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  it('close a day only when each of them has sealed it', async () => {
    const [{ store: a }, { store: b }] = [await open(), await open()]
    await a.add(batches()({ ada: 2 }))
    await b.add(batches()({ ada: 3 }))
    await a.seal(day)
    expect(await a.closeDay(day, oneLinePerUserOnce())).toEqual({ outcome: 'waiting', writers: 1 })
    await b.seal(day)
    expect(await b.closeDay(day, oneLinePerUserOnce())).toEqual({ outcome: 'notLeader' })
    expect(await a.closeDay(day, oneLinePerUserOnce())).toMatchObject({ revision: 0, lines: 1, calls: 5 })
    await Promise.all([a.close(), b.close()])
  })

  it('do not wait for one that has ended, whatever it had sealed', async () => {
    const [{ store: a }, { store: b }] = [await open(), await open()]
    await b.add(batches()({ ada: 3 }))
    await b.close()
    expect(await a.closeDay(day, oneLinePerUserOnce())).toMatchObject({ outcome: 'closed', calls: 3 })
    await a.close()
  })

  it('wait 5 minutes for one that was killed, whose later counts are a revision', async () => {
    const [{ store: a }, { store: b }] = [await open(), await openFleetStore(redis, { clock: frozen() })]
    const batch = batches()
    await b.add(batch({ ada: 3 }))
    await a.add(batches()({ bob: 1 }))
    expect(await a.closeDay(day, oneLinePerUserOnce())).toEqual({ outcome: 'waiting', writers: 1 })
    await passed(silentAfterMs - 10_000)
    expect(await a.closeDay(day, oneLinePerUserOnce())).toEqual({ outcome: 'waiting', writers: 1 })
    await passed(10_000)
    expect(await a.closeDay(day, oneLinePerUserOnce())).toMatchObject({ outcome: 'closed', calls: 4 })
    await b.add(batch({ ada: 1 }))
    await b.seal(day)
    expect(await a.closeDay(day, oneLinePerUserOnce())).toMatchObject({ revision: 1, calls: 1 })
    await Promise.all([a.close(), b.close()])
  })

  /** A clock whose timers never run, as in a process that hangs. */
  function frozen(): FakeClock {
    return { ...clock, setTimer: () => () => {} }
  }

  it('do not take each other for dead after Redis was down for all of them', async () => {
    let isDown = false
    const cut = {
      prefix: redis.prefix,
      sendCommand: async (args: string[], key: string) => {
        if (isDown) throw new Error('Redis is down.')
        return redis.sendCommand(args, key)
      },
    }
    const { store: a } = await openFleetStore(cut, { clock })
    const { store: b } = await openFleetStore(redis, { clock: frozen() })
    await b.add(batches()({ ada: 3 }))
    expect(await a.closeDay(day, oneLinePerUserOnce())).toMatchObject({ outcome: 'waiting' })
    isDown = true
    await expect(a.openDays()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
    await clock.advance(silentAfterMs * 2)
    isDown = false
    expect(await a.closeDay(day, oneLinePerUserOnce())).toEqual({ outcome: 'waiting', writers: 1 })
    await Promise.all([a.close(), b.close()])
  })

  it('close the day of one that was killed although each of them loses a reply now and then', async () => {
    let commands = 0
    const flaky = {
      prefix: redis.prefix,
      sendCommand: async (args: string[], key: string) => {
        const reply = await redis.sendCommand(args, key)
        commands += 1
        if (commands % 10 === 0) throw new Error('Socket closed')
        return reply
      },
    }
    const { store: a } = await openFleetStore(flaky, { clock })
    const { store: b } = await openFleetStore(redis, { clock: frozen() })
    await b.add(batches()({ ada: 3 }))
    expect(await a.closeDay(day, oneLinePerUserOnce())).toMatchObject({ outcome: 'waiting' })
    await passed(silentAfterMs * 2)
    expect(commands).toBeGreaterThan(20)
    expect(await a.closeDay(day, oneLinePerUserOnce())).toMatchObject({ outcome: 'closed', calls: 3 })
    await Promise.all([a.close(), b.close()])
  })

  it('close a day although a failover lost that one of them had sealed it', async () => {
    const [{ store: a }, { store: b }] = [await open(), await open()]
    await b.add(batches()({ ada: 3 }))
    await a.seal(day)
    await b.seal(day)
    const [id = ''] = (await redis.server.command('HKEYS', redis.keys.writers(day))) as string[]
    await redis.server.command('HSET', redis.keys.writers(day), id, 'open')
    expect(await a.closeDay(day, oneLinePerUserOnce())).toMatchObject({ outcome: 'waiting' })
    await passed(15_000)
    expect(await a.closeDay(day, oneLinePerUserOnce())).toMatchObject({ outcome: 'closed', calls: 3 })
    await Promise.all([a.close(), b.close()])
  })

  it('wait for one of them although a failover lost that it counts on the day', async () => {
    const [{ store: a }, { store: b }] = [await open(), await open()]
    await b.add(batches()({ ada: 3 }))
    await redis.server.command('DEL', redis.keys.writers(day))
    await passed(15_000)
    expect(await a.closeDay(day, oneLinePerUserOnce())).toEqual({ outcome: 'waiting', writers: 1 })
    await Promise.all([a.close(), b.close()])
  })

  it('notice that Redis was emptied', async () => {
    const { store, errors } = await open()
    await store.add(batches()({ ada: 3 }))
    await redis.server.command('FLUSHALL')
    await passed(10_000)
    await expect.poll(() => errors.map(({ code }) => code)).toEqual(['PXU_ERR_STORE_REDIS_LOST'])
    await store.close()
  })

  it('leave alone what a newer version has written, with a clear error', async () => {
    const { store } = await open()
    await store.close()
    await redis.server.command('HSET', redis.keys.meta, 'format', 2)
    const keys = async () => ((await redis.server.command('KEYS', `${redis.prefix}*`)) as string[]).sort()
    const before = await keys()
    await expect(open()).rejects.toThrow(/format 2 of a newer px-usage.*Nothing was changed/)
    expect(await keys()).toEqual(before)
    expect(await redis.server.command('HGET', redis.keys.meta, 'format')).toBe('2')
  })

  it('follow the first of them in the number of shards', async () => {
    const [{ store: a }, { store: b }] = [await open({ shards: 3 }), await open({ shards: 1 })]
    await b.add(batches()(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`user ${at}`, 1]))))
    const users = []
    for await (const total of a.totals(day)) users.push(total)
    expect(users).toHaveLength(20)
    const shards = (await redis.server.command('KEYS', `${redis.prefix}:{default*}:open:*`)) as string[]
    expect(shards.length).toBeGreaterThan(1)
    await Promise.all([a.close(), b.close()])
  })
})
