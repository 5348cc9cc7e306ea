import { describe, expect, it } from 'vitest'
import { encodeLine } from '../../../packages/redis/src/redis-outbox.ts'
import { claimLines, putLines } from '../../../packages/redis/src/scripts/outbox-scripts.ts'
import {
  beginRecord,
  dropSent,
  packSent,
  settleLines,
} from '../../../packages/redis/src/scripts/settle-scripts.ts'
import { day, line } from '../../support/count-batch.ts'
import { redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'

const now = 1_700_000_000_000
const today = '2026-11-24'
const ttl = 600

describe.skipIf(!hasRedis())('the scripts of the record of delivered lines', () => {
  const redis = redisOfTests()
  let operations = 0

  const run = (script: typeof settleLines, args: (string | number)[]) => {
    const { outbox, sent, sentIndex } = redis.keys
    return redis.connection.run(script, [...outbox, sent, sentIndex], [now, 'me', ...args])
  }

  async function claim(...names: string[]): Promise<void> {
    await redis.connection.run(putLines, redis.keys.outbox, [
      ...[now, 'me', 100],
      ...names.map((name) => encodeLine(line(name))),
    ])
    await redis.connection.run(claimLines, redis.keys.outbox, [now, 'me', 'send', 30_000, 9, 300_000, 1])
  }

  function settle(names: string[], state = 'delivered', { keeps = 1, operation = ++operations } = {}) {
    const lines = names.flatMap((name) => [JSON.stringify(name), state, 0, '{"reason":"bad"}'])
    return run(settleLines, [operation, keeps, today, ttl, ...lines])
  }

  const begin = (isLost = 0) => run(beginRecord, [today, isLost, ttl])
  const sent = () => redis.server.command('LRANGE', redis.keys.sent, 0, -1)
  async function index(): Promise<Record<string, string>> {
    const flat = (await redis.server.command('HGETALL', redis.keys.sentIndex)) as string[]
    return Object.fromEntries(
      flat.flatMap((field, at) => (at % 2 === 0 ? [[field, flat[at + 1] as string]] : [])),
    )
  }
  const item = (name: string) => `${day}${JSON.stringify(line(name))}`
  const pack = (packed: string, names: string[]) =>
    redis.connection.run(
      packSent,
      [redis.keys.sent, redis.keys.sentIndex, redis.keys.sentDay(day)],
      [packed, names.length, item(names.at(-1) ?? ''), ttl, day, 'a block'],
    )

  it('settleLines records a delivered line in the same step, and no other', async () => {
    await claim('a', 'b', 'c', 'd')
    expect(await settle(['a', 'b'])).toEqual(['OK', [2, 0, 2, 0], 2])
    await settle(['c'], 'rejected')
    await settle(['d'], 'withdrawn')
    expect(await sent()).toEqual([item('a'), item('b')])
    expect(await index()).toEqual({ delivered: '2' })
    for (const key of [redis.keys.sent, redis.keys.sentIndex])
      expect(Number(await redis.server.command('TTL', key))).toBeGreaterThan(ttl - 60)
  })

  it('settleLines records a line once, also when its reply is lost', async () => {
    await claim('a', 'b')
    await settle(['a'], 'delivered', { operation: 4_000 })
    expect(await settle(['a'], 'delivered', { operation: 4_000 })).toEqual(['OK', [1, 0, 1, 0], 1])
    expect(await settle(['a'], 'delivered', { operation: 4_001 })).toEqual(['MISSING', '"a"'])
    expect(await settle(['b', 'ghost'], 'delivered', { operation: 4_002 })).toEqual(['MISSING', '"ghost"'])
    expect(await sent()).toEqual([item('a')])
  })

  it('settleLines that keeps nothing records nothing, and a later one notes what misses', async () => {
    await claim('a', 'b', 'c')
    await settle(['a'], 'delivered', { keeps: 0 })
    expect([await sent(), await index()]).toEqual([[], {}])
    await settle(['b'])
    await settle(['c'])
    expect(await sent()).toEqual([item('b'), item('c')])
    expect(await index()).toEqual({ delivered: '3', incompleteUpTo: today })
  })

  it('beginRecord notes days whose lines an earlier version delivered, or Redis lost', async () => {
    await begin()
    expect(await index()).toEqual({})
    await claim('a')
    await settle(['a'], 'delivered', { keeps: 0 })
    await begin()
    await begin()
    expect(await index()).toEqual({ delivered: '1', incompleteUpTo: today })
    await redis.server.command('DEL', redis.keys.sentIndex, redis.keys.counts)
    await begin(1)
    expect(await index()).toEqual({ incompleteUpTo: today })
  })

  it('packSent replaces lines by their block once, also when two processes do it', async () => {
    await claim('a', 'b', 'c')
    await settle(['a', 'b'])
    expect(await pack('0', ['a', 'b'])).toBe('OK')
    await settle(['c'])
    expect(await pack('0', ['a', 'b'])).toBe('CHANGED')
    expect(await sent()).toEqual([item('c')])
    expect(await redis.server.command('LRANGE', redis.keys.sentDay(day), 0, -1)).toEqual(['a block'])
    expect(await index()).toEqual({ delivered: '3', packed: '2', [day]: '7', bytes: '7' })
    expect(Number(await redis.server.command('TTL', redis.keys.sentDay(day)))).toBeGreaterThan(ttl - 60)
  })

  it('packSent leaves lines that are not those that were compressed', async () => {
    await claim('a', 'b')
    await settle(['a', 'b'])
    expect(await pack('0', ['b', 'a'])).toBe('OTHER')
    expect(await sent()).toEqual([item('a'), item('b')])
  })

  it('dropSent removes a day and notes it, once', async () => {
    await claim('a')
    await settle(['a'])
    await pack('0', ['a'])
    const drop = (which: string) =>
      redis.connection.run(dropSent, [redis.keys.sentIndex, redis.keys.sentDay(which)], [which])
    await drop(day)
    await drop(day)
    await drop('2026-11-01')
    expect(await index()).toEqual({ delivered: '1', packed: '1', bytes: '0', incompleteUpTo: day })
    expect(await redis.server.command('EXISTS', redis.keys.sentDay(day))).toBe(0)
  })
})
