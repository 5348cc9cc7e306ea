import { claimMs } from '@px-usage/core/adapter'
import { fakeClock } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'
import type { OutboxLine } from '../../../packages/core/src/model/outbox-line.ts'
import type { Store } from '../../../packages/core/src/model/store.ts'
import { dropSent, packSent, settleLines } from '../../../packages/redis/src/scripts/settle-scripts.ts'
import { readIncompleteUpTo, readSentLines } from '../../../packages/redis/src/sent/read-sent-lines.ts'
import { linesPerBlock } from '../../../packages/redis/src/sent/sent-blocks.ts'
import { line } from '../../support/count-batch.ts'
import { openFleetStore, redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'

const day = '2026-11-23'
const place = { first: '0000', last: '9999' }

describe.skipIf(!hasRedis())('the record of delivered lines', () => {
  const redis = redisOfTests()
  const clock = fakeClock('2026-11-24T01:00:00Z')
  const length = (key: string) => redis.server.command('LLEN', key)

  async function recorded(): Promise<string[]> {
    const ids: string[] = []
    for await (const { id } of readSentLines({ connection: redis.connection, keys: redis.keys }, place))
      ids.push(id)
    return ids.sort()
  }

  const linesOf = (number: number, name = 'line') =>
    Array.from({ length: number }, (_, at) => line(`${name} ${at}`, day))
  const idsOf = (lines: readonly OutboxLine[]) => lines.map(({ id }) => id).sort()

  /** Sends what is due, as a meter does. */
  async function send(store: Store, size = 100): Promise<void> {
    for (;;) {
      const { lines } = await store.claim(size)
      if (lines.length === 0) return
      await store.markAttempts(idsOf(lines), clock.now())
      await store.settle(lines.map(({ id }) => ({ id, state: 'delivered' })))
    }
  }

  it('is compressed when there are many lines, and has each once', async () => {
    const { store } = await openFleetStore(redis, { clock })
    const lines = linesOf(2 * linesPerBlock + 300)
    await store.put(lines)
    await send(store)
    expect(await recorded()).toEqual(idsOf(lines))
    expect(await length(redis.keys.sentDay(day))).toBeGreaterThanOrEqual(2)
    expect(await length(redis.keys.sent)).toBeLessThan(linesPerBlock)
    await store.close()
  })

  it('is compressed on the next day although there are few lines', async () => {
    const own = fakeClock('2026-11-24T01:00:00Z')
    const { store } = await openFleetStore(redis, { clock: own })
    await store.put(linesOf(20))
    await send(store, 10)
    expect(await length(redis.keys.sent)).toBe(10)
    await own.advance(86_400_000)
    await store.put(linesOf(1, 'next'))
    await send(store)
    expect([await length(redis.keys.sent), (await recorded()).length]).toEqual([0, 21])
    await store.close()
  })

  /** Stores of a process of which some commands fail: before Redis executes them, or after it. */
  function failing(fails: (name: string, execution: number) => 'before' | 'after' | undefined) {
    const executions = new Map<string, number>()
    return {
      prefix: redis.prefix,
      async sendCommand(args: string[], key: string) {
        const script = [settleLines, packSent, dropSent].find(
          ({ sha1, text }) => args[1] === sha1 || args[1] === text,
        )
        const name = script?.name ?? (args[0] as string)
        const execution = (executions.get(name) ?? 0) + 1
        executions.set(name, execution)
        const fate = fails(name, execution)
        if (fate === 'before') throw new Error('The connection was lost.')
        const reply = await redis.sendCommand(args, key)
        if (fate === 'after') throw new Error('The reply was lost.')
        return reply
      },
    }
  }

  it('has each line once although every fourth reply is lost', async () => {
    const own = fakeClock('2026-11-24T01:00:00Z')
    const lossy = failing((name, execution) =>
      ['settleLines', 'packSent', 'LRANGE', 'HGET'].includes(name) && execution % 4 === 2
        ? 'after'
        : undefined,
    )
    const { store } = await openFleetStore(lossy, { clock: own })
    const lines = linesOf(2 * linesPerBlock + 10)
    await store.put(lines)
    await send(store, 500)
    await own.advance(86_400_000)
    await store.put(linesOf(1, 'next'))
    await send(store)
    expect(await length(redis.keys.sent)).toBe(0)
    expect(await recorded()).toEqual(idsOf([...lines, line('next 0')]))
    await store.close()
  })

  it.each([
    ['settleLines', 'before'],
    ['settleLines', 'after'],
    ['LRANGE', 'before'],
    ['packSent', 'before'],
    ['packSent', 'after'],
    ['HGETALL', 'before'],
  ] as const)('has each line once after a process died at %s, %s Redis executed it', async (step, when) => {
    const own = fakeClock('2026-11-24T01:00:00Z')
    let isDead = false
    const dying = failing((name, execution) => {
      if (isDead) return 'before'
      isDead = name === step && execution === 2
      return isDead ? when : undefined
    })
    const { store } = await openFleetStore(dying, { clock: own })
    const lines = linesOf(3 * linesPerBlock)
    await store.put(lines)
    await send(store, 500).catch(() => {})
    expect(isDead).toBe(true)
    await store.close()
    await own.advance(claimMs + 1_000)
    const { store: next } = await openFleetStore(redis, { clock: own })
    await send(next, 500)
    expect(await recorded()).toEqual(idsOf(lines))
    expect(await readIncompleteUpTo({ connection: redis.connection, keys: redis.keys })).toBeUndefined()
    await next.close()
  })

  it('has each line once when two processes settle and compress at the same time', async () => {
    const own = fakeClock('2026-11-24T01:00:00Z')
    const { store: first } = await openFleetStore(redis, { clock: own })
    const { store: second } = await openFleetStore(redis, { clock: own })
    const lines = linesOf(4 * linesPerBlock)
    await first.put(lines)
    const { lines: claimed } = await first.claim(1_500)
    await first.markAttempts(idsOf(claimed), own.now())
    // The first process stalls for longer than its lease.
    await redis.server.command('HSET', redis.keys.lead, 'until', own.now())
    const slices = Array.from({ length: 15 }, (_, at) => claimed.slice(at * 100, at * 100 + 100))
    await Promise.all([
      send(second, 250),
      ...slices.map((slice) => first.settle(slice.map(({ id }) => ({ id, state: 'delivered' })))),
    ])
    expect(await recorded()).toEqual(idsOf(lines))
    await Promise.all([first.close(), second.close()])
  })

  it('says that lines of today may be missing after Redis was emptied', async () => {
    const own = fakeClock('2026-11-24T01:00:00Z')
    const { store } = await openFleetStore(redis, { clock: own })
    await store.put(linesOf(10))
    await send(store)
    await redis.server.command('FLUSHALL')
    await own.advance(11_000)
    const incomplete = () => readIncompleteUpTo({ connection: redis.connection, keys: redis.keys })
    await expect.poll(incomplete).toBe('2026-11-24')
    await store.put(linesOf(2, 'later'))
    await send(store)
    expect([await recorded(), await incomplete()]).toEqual([['later 0', 'later 1'], '2026-11-24'])
    await store.close()
  })
})
