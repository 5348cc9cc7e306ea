import { type FakeClock, fakeClock } from '@px-usage/core/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../packages/core/src/clock.ts'
import type { Store } from '../../packages/core/src/model/store.ts'
import { batches, callsOf, day, oneLinePerUserOnce } from '../support/count-batch.ts'
import { openFleetStore, redisOfTests } from '../support/redis-fleet.ts'
import { hasRedis } from '../support/redis-server.ts'

describe.skipIf(!hasRedis())('the close of a day of a fleet', () => {
  const redis = redisOfTests()
  let clock: FakeClock
  beforeEach(() => {
    clock = fakeClock('2026-11-23T10:00:00Z')
  })
  const open = async (options = {}) => (await openFleetStore(redis, { clock, ...options })).store

  async function callsInLines(store: Store): Promise<Record<string, number>> {
    const calls: Record<string, number> = {}
    for await (const line of store.waiting()) {
      const user = line.id.split('.').at(-1) as string
      calls[user] = (calls[user] ?? 0) + line.calls
    }
    return calls
  }

  it('has one winner among processes that try at the same time', async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, () => open({ shards: 2 })))
    for (const store of stores) await store.add(batches()({ ada: 1, bob: 2 }))
    for (const store of stores) await store.seal(day)
    const results = await Promise.all(stores.map((store) => store.closeDay(day, oneLinePerUserOnce())))
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(['closed', ...Array(5).fill('notLeader')])
    expect(await callsInLines(stores[0] as Store)).toEqual({ ada: 6, bob: 12 })
    await Promise.all(stores.map((store) => store.close()))
  })

  it('loses no count that comes while it runs, and counts none twice', { timeout: 120_000 }, async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => open({ shards: 2 })))
    const rounds = 40
    const counting = stores.map(async (store, at) => {
      const batch = batches()
      for (let round = 0; round < rounds; round++) await store.add(batch({ ada: 1, [`user ${at}`]: 1 }))
    })
    let isCounting = true
    const closing = stores.map(async (store) => {
      while (isCounting) await store.closeDay(day, oneLinePerUserOnce(), { force: true })
    })
    await Promise.all(counting)
    isCounting = false
    await Promise.all(closing)
    for (const store of stores) await store.closeDay(day, oneLinePerUserOnce(), { force: true })
    const each = Object.fromEntries(stores.map((_, at) => [`user ${at}`, rounds]))
    expect(await callsInLines(stores[0] as Store)).toEqual({ ada: 4 * rounds, ...each })
    await Promise.all(stores.map((store) => store.close()))
  })

  it('is refused to a process that lost the lease while it made the lines', async () => {
    const [slow, quick] = [await open(), await open()]
    await slow.add(batches()({ ada: 2 }))
    await slow.seal(day)
    const closing = await slow.closeDay(day, async function* (totals, revision) {
      yield* oneLinePerUserOnce()(totals, revision)
      await clock.advance(31_000)
      await redis.server.command('DEL', redis.keys.lead)
      expect(await quick.closeDay(day, oneLinePerUserOnce())).toMatchObject({ revision: 0, calls: 2 })
    })
    expect(closing).toEqual({ outcome: 'notLeader' })
    expect(await callsInLines(quick)).toEqual({ ada: 2 })
    await Promise.all([slow.close(), quick.close()])
  })

  it('loses no series when Redis is restarted while the day is read', async () => {
    let scans = 0
    const { store } = await openFleetStore(
      {
        prefix: redis.prefix,
        async sendCommand(args, key) {
          if (args[0] === 'HSCAN' && ++scans === 3) {
            await redis.server.restart()
            await expect.poll(() => redis.sendCommand(['PING'], key).catch(() => '')).toBe('PONG')
          }
          return redis.sendCommand(args, key)
        },
      },
      { clock },
    )
    await store.add(
      batches()(Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`user ${at}`, 1]))),
    )
    const close = () => store.closeDay(day, oneLinePerUserOnce()).catch((error: Error) => error.message)
    expect(await close()).toMatch(/of 2000 counts of .* because it was restarted/)
    expect(await close()).toMatchObject({ outcome: 'closed', lines: 2_000 })
    await store.close()
  })

  it('sends no second event when Redis is emptied a moment after the day was sent', async () => {
    const { store, errors } = await openFleetStore(redis, { clock })
    await store.add(batches()({ ada: 2 }))
    await store.closeDay(day, oneLinePerUserOnce())
    const [line] = (await store.claim(9)).lines
    await store.markAttempts([line?.id ?? ''], clock.now())
    await store.settle([{ id: line?.id ?? '', state: 'delivered' }])
    await redis.server.command('FLUSHALL')
    await clock.advance(10_000)
    await expect.poll(() => store.openDays()).toEqual([day])
    expect(await store.closeDay(day, oneLinePerUserOnce(), { force: true })).toMatchObject({ lines: 1 })
    expect(await store.claim(9)).toMatchObject({ lines: [], nextDueInMs: 0 })
    expect(store.outboxCounts()).toMatchObject({ delivered: 1, pending: 0 })
    expect(errors.map(({ code }) => code)).toEqual(['PXU_ERR_STORE_REDIS_LOST'])
    await store.close()
  })

  it('is finished by another process after a crash behind its decisive step', async () => {
    const store = await open()
    await store.add(batches()({ ada: 2, bob: 1 }))
    let isKilled = false
    const killed = await openFleetStore(
      {
        prefix: redis.prefix,
        sendCommand: async (args, key) => {
          if (isKilled) throw new Error('The process is gone.')
          const reply = await redis.sendCommand(args, key)
          // The first script that has the key of the list of loading lines is the decisive one.
          if (reply === 'OK' && args.some((arg) => arg.includes(':loading:'))) isKilled = true
          return reply
        },
      },
      { clock },
    )
    await redis.server.command('DEL', redis.keys.lead)
    await killed.store.closeDay(day, oneLinePerUserOnce(), { force: true })
    await redis.server.command('DEL', redis.keys.lead)
    expect(await callsInLines(store)).toEqual({ ada: 2, bob: 1 })
    expect(await callsOf(store)).toEqual({})
    expect(await store.openDays()).toEqual([])
    expect((await store.claim(9)).lines).toHaveLength(2)
    expect(await redis.server.command('KEYS', `${redis.prefix}:*sealed*`)).toEqual([])
    await store.close()
  })

  it('waits until the day is over by the clock of Redis, which may be behind that of the machine', async () => {
    const real = { ...systemClock }
    const today = new Date(real.now()).toISOString().slice(0, 10)
    const yesterday = new Date(real.now() - 86_400_000).toISOString().slice(0, 10)
    Object.assign(systemClock, { now: () => real.now() + 86_400_000 })
    try {
      const { store, errors } = await openFleetStore(redis)
      const batch = batches()
      for (const one of [yesterday, today]) {
        await store.add(batch({ ada: 2 }, one))
        await store.seal(one)
      }
      expect(await store.closeDay(today, oneLinePerUserOnce())).toEqual({ outcome: 'waiting', writers: 0 })
      expect(errors[0]?.message).toContain(
        `86400 s ahead of the clock of Redis, by which ${today} is not over`,
      )
      expect(await store.closeDay(yesterday, oneLinePerUserOnce())).toMatchObject({ outcome: 'closed' })
      await store.close()
    } finally {
      Object.assign(systemClock, real)
    }
  })

  it('is tried again when a failover has lost that its counts were set aside', async () => {
    const store = await open()
    await store.add(batches()({ ada: 2 }))
    const [sealed, opened] = [redis.keys.shard(0).sealed(day, 1), redis.keys.shard(0).open(day)]
    const lost = await store.closeDay(day, async function* (totals, revision) {
      await redis.server.command('RENAME', sealed, opened)
      await redis.server.command('HSET', redis.keys.shard(0).generations, day, 0)
      yield* oneLinePerUserOnce()(totals, revision)
    })
    expect(lost).toEqual({ outcome: 'notLeader' })
    expect(await store.closeDay(day, oneLinePerUserOnce())).toMatchObject({ outcome: 'closed', calls: 2 })
    await store.close()
  })

  it('keeps the counts of other nodes until no failover can lose the close alone', async () => {
    const store = await open({ shards: 2 })
    await store.add(batches()(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`user ${at}`, 1]))))
    expect(await store.closeDay(day, oneLinePerUserOnce())).toMatchObject({ outcome: 'closed', lines: 20 })
    await redis.server.command('DEL', redis.keys.closed)
    expect(await store.openDays()).toEqual([day])
    expect(await store.closeDay(day, oneLinePerUserOnce())).toMatchObject({ revision: 0, lines: 20 })
    expect((await store.claim(99)).lines).toHaveLength(20)
    await store.openDays()
    await clock.advance(300_001)
    expect(await store.openDays()).toEqual([])
    expect(await redis.server.command('KEYS', `${redis.prefix}:*sealed*`)).toEqual([])
    await store.close()
  })

  it('leaves keys under its prefix only, each with an expiry', async () => {
    await redis.server.command('SET', 'foreign', '1')
    const store = await open({ shards: 2 })
    await store.add(batches()({ ada: 2, bob: 1 }))
    await store.closeDay(day, oneLinePerUserOnce())
    await store.writeNote('budget', '1')
    await store.claim(1)
    const { lines } = await store.claim(1)
    await store.settle(lines.map(({ id }) => ({ id, state: 'rejected', reason: 'bad' })))
    await clock.advance(10_000)
    await expect
      .poll(async () => {
        const keys = (await redis.server.command('KEYS', `${redis.prefix}:*`)) as string[]
        const lasting = []
        for (const key of keys) if (Number(await redis.server.command('TTL', key)) < 0) lasting.push(key)
        return [keys.length > 10, lasting]
      })
      .toEqual([true, []])
    const all = (await redis.server.command('KEYS', '*')) as string[]
    expect(all.filter((key) => !key.startsWith('test:'))).toEqual(['foreign'])
    await redis.server.command('DEL', 'foreign')
    await store.close()
  })
})
