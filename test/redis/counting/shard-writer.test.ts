import { fakeClock } from '@px-usage/core/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Connection } from '../../../packages/redis/src/connection.ts'
import { framesOf } from '../../../packages/redis/src/counting/frames.ts'
import { createSeriesEncoder } from '../../../packages/redis/src/counting/series-fields.ts'
import {
  type Loss,
  mostRetained,
  retainMs,
  ShardWriter,
} from '../../../packages/redis/src/counting/shard-writer.ts'
import { batches, day } from '../../support/count-batch.ts'
import { redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'

describe.skipIf(!hasRedis())('a writer of a shard', () => {
  const redis = redisOfTests()
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const encoder = createSeriesEncoder(1)
  let losses: Loss[]
  let batch: ReturnType<typeof batches>
  beforeEach(() => {
    losses = []
    batch = batches()
  })

  function writer(connection: Connection = redis.connection): ShardWriter {
    const onLoss = (loss: Loss) => void losses.push(loss)
    return new ShardWriter({ connection, keys: redis.keys.shard(0), clock, id: 'me', onLoss })
  }
  async function add(to: ShardWriter, calls: number, onDay = day): Promise<void> {
    for (const frame of framesOf(batch({ ada: calls }, onDay), encoder)) to.take(frame)
    await to.send()
  }
  const open = () => redis.keys.shard(0).open(day)
  async function counted(): Promise<number> {
    const values = (await redis.server.command('HVALS', open())) as string[]
    return values.reduce((sum, value) => sum + Number(value), 0)
  }
  /** Sets Redis back to what it had after a number of frames, as a failover does. */
  async function goBackTo(frames: number, calls: number): Promise<void> {
    const [field] = (await redis.server.command('HKEYS', open())) as [string]
    await redis.server.command('SET', redis.keys.shard(0).producer('me.0'), frames)
    await redis.server.command('HSET', open(), field, calls)
  }

  it('sends a frame again until Redis has it, and Redis adds it once', async () => {
    let loses = true
    const cut: Connection = {
      ...redis.connection,
      async run(...args) {
        const reply = await redis.connection.run(...args)
        if (loses) throw new Error('The reply is lost.')
        return reply
      },
    }
    const me = writer(cut)
    await expect(add(me, 2)).rejects.toThrow('lost')
    loses = false
    await me.send()
    await add(me, 3)
    expect(await counted()).toBe(5)
  })

  it('sends again what Redis lost in a failover', async () => {
    const me = writer()
    for (let frame = 1; frame <= 10; frame++) await add(me, 1)
    await goBackTo(4, 4)
    await add(me, 1)
    expect(await counted()).toBe(11)
    expect(losses).toEqual([])
  })

  it('sends everything of the last 5 minutes again to a Redis that was emptied', async () => {
    const me = writer()
    for (let frame = 1; frame <= 3; frame++) await add(me, 2)
    await redis.server.command('FLUSHALL')
    await add(me, 1)
    expect(await counted()).toBe(7)
    expect(losses).toEqual([])
  })

  it('reports what it no longer has, and continues', async () => {
    const me = writer()
    await add(me, 5)
    await add(me, 6)
    await clock.advance(retainMs + 1)
    await add(me, 1)
    await redis.server.command('FLUSHALL')
    await add(me, 1)
    expect(losses).toEqual([{ frames: 2, calls: 11 }])
    expect(await counted()).toBe(2)
    await add(me, 1)
    expect(await counted()).toBe(3)
  })

  it('reports no calls of days that are long in events', async () => {
    const me = writer()
    for (const [at, calls] of [1_000, 500, 20, 3].entries()) {
      await add(me, calls, `2026-11-2${at}`)
      await clock.advance(86_400_000)
    }
    await redis.server.command('FLUSHALL')
    await add(me, 1)
    expect(losses).toEqual([{ frames: 2, calls: 520 }])
  })

  it('retains a number of increments that is bounded', async () => {
    const accepting: Connection = { ...redis.connection, run: async () => ['OK', 0] }
    const me = writer(accepting)
    const frame = { day, shard: 0, args: [], increments: mostRetained / 4, calls: 1, isAdded: false }
    for (let sent = 0; sent < 10; sent++) {
      me.take({ ...frame })
      await me.send()
    }
    const replies = [
      ['GAP', 0],
      ['OK', 1],
    ]
    const sent: unknown[] = []
    const behind: Connection = {
      ...accepting,
      run: async (...args) => {
        sent.push(args)
        return (replies.shift() ?? ['OK', 1]) as [string, number]
      },
    }
    accepting.run = behind.run
    me.take({ ...frame })
    await me.send()
    expect(losses).toEqual([{ frames: 6, calls: 6 }])
  })

  it('takes a new name before Redis forgets its sequence', async () => {
    const me = writer()
    await add(me, 1)
    await redis.server.command('DEL', redis.keys.shard(0).producer('me.0'))
    await clock.advance(8 * 86_400_000)
    await add(me, 1)
    expect(losses).toEqual([])
    expect(await redis.server.command('GET', redis.keys.shard(0).producer('me.1'))).toBe('1')
  })
})
