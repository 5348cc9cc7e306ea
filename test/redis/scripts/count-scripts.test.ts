import { beforeEach, describe, expect, it } from 'vitest'
import type { ShardKeys } from '../../../packages/redis/src/key-names.ts'
import {
  applyFrame,
  dropSealed,
  listDays,
  sealShard,
} from '../../../packages/redis/src/scripts/count-scripts.ts'
import { day } from '../../support/count-batch.ts'
import { redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'

describe.skipIf(!hasRedis())('the scripts of counts', () => {
  const redis = redisOfTests()
  let keys: ShardKeys
  beforeEach(() => {
    keys = redis.keys.shard(0)
  })

  const apply = (sequence: number, ...gains: (string | number)[]) =>
    redis.connection.run(
      applyFrame,
      [keys.producer('p'), keys.open(day), keys.days, keys.generations, keys.instruments],
      [sequence, 1_000, day, 1, 'digest', '["apiCalls"]', ...gains],
    )
  const counted = (field: string) => redis.server.command('HGET', keys.open(day), field)
  const seal = (before: number) =>
    redis.connection.run(
      sealShard,
      [keys.open(day), keys.generations, keys.sealed(day, before + 1)],
      [day, before],
    )

  describe('applyFrame', () => {
    it('adds a frame once, whatever the number of times it is sent', async () => {
      expect(await apply(1, 'i', 'ada', 2)).toEqual(['OK', 1])
      expect(await apply(1, 'i', 'ada', 2)).toEqual(['DUP', 1])
      expect(await apply(2, 'i', 'ada', 3, 'i', 'bob', 1)).toEqual(['OK', 2])
      expect(await counted('ada')).toBe('5')
      expect(await counted('bob')).toBe('1')
    })

    it('adds nothing while an earlier frame is missing', async () => {
      await apply(1, 'i', 'ada', 2)
      expect(await apply(3, 'i', 'ada', 2)).toEqual(['GAP', 1])
      expect(await counted('ada')).toBe('2')
    })

    it('adds numbers that are not whole, and more than 64 bits hold, as JavaScript does', async () => {
      await apply(1, 'i', 'half', 0.1, 'i', 'large', 2 ** 53 - 1)
      await apply(2, 'i', 'half', 0.2, 'i', 'large', 1e19)
      await apply(3, 'i', 'half', 1)
      expect(Number(await counted('half'))).toBe(0.1 + 0.2 + 1)
      expect(Number(await counted('large'))).toBe(2 ** 53 - 1 + 1e19)
    })

    it('keeps the newest reading of a gauge', async () => {
      await apply(1, 'l', 'seats', 5, 2_000)
      await apply(2, 'l', 'seats', 4, 1_000)
      expect(await counted('seats')).toBe('5 2000')
      await apply(3, 'l', 'seats', 7.5, 2_000)
      expect(await counted('seats')).toBe('7.5 2000')
    })

    it('gives every key an expiry', async () => {
      await apply(1, 'i', 'ada', 2)
      for (const key of [keys.producer('p'), keys.open(day), keys.days, keys.generations, keys.instruments]) {
        expect(Number(await redis.server.command('TTL', key))).toBeGreaterThan(900)
      }
    })
  })

  describe('sealShard', () => {
    it('sets counts aside once, and later ones start the next generation', async () => {
      await apply(1, 'i', 'ada', 2)
      expect(await seal(0)).toBe(1)
      expect(await seal(0)).toBe(1)
      await apply(2, 'i', 'ada', 3)
      expect(await redis.server.command('HGET', keys.sealed(day, 1), 'ada')).toBe('2')
      expect(await counted('ada')).toBe('3')
      expect(await seal(1)).toBe(2)
    })

    it('makes no generation of nothing', async () => {
      expect(await seal(0)).toBe(0)
    })
  })

  it('dropSealed removes what a close contains, and the day once it has no other counts', async () => {
    const drop = (last: number) =>
      redis.connection.run(
        dropSealed,
        [keys.open(day), keys.days, keys.generations, keys.sealed(day, last)],
        [day, last, '2026-01-01'],
      )
    const days = () => redis.connection.run(listDays, [keys.days, keys.generations], [])
    await apply(1, 'i', 'ada', 2)
    await seal(0)
    await apply(2, 'i', 'ada', 3)
    await redis.server.command('HSET', keys.generations, '2025-12-31', 4)
    await drop(1)
    expect(await days()).toEqual([[day, 1]])
    expect(await redis.server.command('EXISTS', keys.sealed(day, 1))).toBe(0)
    await seal(1)
    await drop(2)
    expect(await days()).toEqual([])
    expect(await redis.server.command('HGETALL', keys.generations)).toEqual([day, '2'])
  })
})
