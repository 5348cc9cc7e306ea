import { describe, expect, it } from 'vitest'
import type { Connection } from '../../../packages/redis/src/connection.ts'
import {
  daysOfIndex,
  readIncompleteUpTo,
  readSentLines,
} from '../../../packages/redis/src/sent/read-sent-lines.ts'
import { encodeBlocks } from '../../../packages/redis/src/sent/sent-blocks.ts'
import { day, line } from '../../support/count-batch.ts'
import { redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'

const next = '2026-11-24'
const item = (id: string, onDay = day) => `${onDay}${JSON.stringify(line(id, onDay))}`

it('an index has days among its other fields', () => {
  const index = new Map([next, 'bytes', day, 'incompleteUpTo', 'delivered'].map((field) => [field, '1']))
  expect(daysOfIndex(index)).toEqual([day, next])
})

describe.skipIf(!hasRedis())('delivered lines in Redis', () => {
  const redis = redisOfTests()
  const command = (...args: (string | number)[]) => redis.server.command(args[0] as string, ...args.slice(1))

  async function addBlock(ids: string[], onDay = day): Promise<void> {
    const [first] = await encodeBlocks(ids.map((id) => item(id, onDay)))
    await command('RPUSH', redis.keys.sentDay(onDay), first?.block ?? '')
    await command('HINCRBY', redis.keys.sentIndex, onDay, first?.block.length ?? 0)
  }

  async function idsOf(first: string, last = first, connection: Connection = redis.connection) {
    const ids: string[] = []
    const place = { connection, keys: redis.keys }
    for await (const { id } of readSentLines(place, { first, last })) ids.push(id)
    return ids
  }

  it('are read from blocks and from lines that are not compressed, by their days', async () => {
    for (let block = 0; block < 20; block++) await addBlock([`a${block}`, `b${block}`])
    await addBlock(['later'], next)
    await command('RPUSH', redis.keys.sent, item('fresh'), item('fresh later', next))
    const ids = await idsOf(day)
    expect([ids.length, new Set(ids).size, ids[0]]).toEqual([41, 41, 'fresh'])
    expect(await idsOf(day, next)).toHaveLength(43)
    expect(await idsOf(next)).toEqual(['fresh later', 'later'])
    expect(await idsOf('2026-11-25')).toEqual([])
  })

  it('are each read once while a process compresses them', async () => {
    const ids = Array.from({ length: 300 }, (_, at) => `line ${at}`)
    await command('RPUSH', redis.keys.sent, ...ids.map((id) => item(id)))
    const connection: Connection = {
      ...redis.connection,
      async read(args, key) {
        const reply = await redis.connection.read(args, key)
        if (args[0] !== 'LRANGE' || key !== redis.keys.sent) return reply
        await command('LTRIM', redis.keys.sent, 250, -1)
        await addBlock(ids.slice(0, 250))
        return reply
      },
    }
    expect((await idsOf(day, day, connection)).sort()).toEqual([...ids].sort())
  })

  it('may be missing up to a day that is noted or removed, or always if nothing records them', async () => {
    const incomplete = () => readIncompleteUpTo({ connection: redis.connection, keys: redis.keys })
    expect(await incomplete()).toBeUndefined()
    await command('HSET', redis.keys.sentIndex, 'delivered', 2, 'incompleteUpTo', '2026-11-20')
    await command('HSET', redis.keys.counts, 'delivered', 2)
    expect(await incomplete()).toBe('2026-11-20')
    await addBlock(['a'])
    await addBlock(['b'], next)
    expect(await incomplete()).toBe('2026-11-20')
    await command('DEL', redis.keys.sentDay(day))
    expect(await incomplete()).toBe(day)
    await command('HSET', redis.keys.counts, 'delivered', 3)
    expect(await incomplete()).toBe('9999-12-31')
  })
})
