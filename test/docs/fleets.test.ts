import { setTimeout as sleep } from 'node:timers/promises'
import { createMeter } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { redisStore } from '@px-usage/redis'
import { describe, expect, it } from 'vitest'
import { FlushInterval } from '../../packages/redis/src/flush-interval.ts'
import { connectClient } from '../support/redis-clients.ts'
import { hasRedis, startRedis } from '../support/redis-server.ts'
import { page, tableOf } from './pages.ts'

it('the page of fleets has the flush intervals of the code', () => {
  const rows = tableOf('docs/fleets.md', 'How often a process sends')
  expect(rows.length).toBeGreaterThan(3)
  for (const [members = '', series = '', seconds] of rows) {
    const interval = new FlushInterval(fakeClock(0))
    interval.setMembers(Number(members.replace(',', '')))
    interval.add(Number(series.replace(',', '')))
    expect(`${interval.ms / 1_000} s`).toBe(seconds)
  }
})

describe.skipIf(!hasRedis())('a fleet', () => {
  it('has no more keys and sends no more commands than the page of fleets says', async () => {
    expect(page('docs/fleets.md')).toMatch(
      /at most 27 for each .* one for each process, and one for each day/,
    )
    expect(page('docs/fleets.md')).toContain('about one a second for each process')
    const redis = await startRedis()
    const client = await connectClient('node-redis', { port: redis.port })
    const clock = fakeClock('2026-11-23T23:59:00Z')
    let commands = 0
    const processes = 3
    const meters = Array.from({ length: processes }, () => {
      const store = redisStore({
        sendCommand(args) {
          commands += 1
          return client.sendCommand(args)
        },
      })
      const delivery = async () => ({ outcome: 'retryable', reason: 'PX is down.' }) as const
      return createMeter({ store, clock, delivery })
    })
    const record = () => {
      for (const [at, meter] of meters.entries()) {
        meter.record({
          identity: { userId: `u${at}` },
          method: 'GET',
          route: '/',
          statusCode: 200,
          aborted: false,
        })
      }
    }
    /** Lets seconds pass, with time for Redis. */
    const pass = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        await clock.advance(1_000)
        await sleep(2)
      }
    }
    record()
    await pass(5)
    const before = commands
    await pass(20)
    expect((commands - before) / processes / 20).toBeLessThan(1.5)
    record()
    await clock.advance(16 * 60_000)
    const isClosed = async () => {
      await pass(1)
      for (const meter of meters) await meter.flush()
      return meters.some((meter) => meter.stats().lines.pending > 0)
    }
    await expect.poll(isClosed, { timeout: 60_000 }).toBe(true)
    const keys = (await redis.command('KEYS', '*')) as string[]
    expect(keys.length).toBeLessThanOrEqual(27 + processes)
    expect(keys.filter((key) => !key.startsWith('px-usage:'))).toEqual([])
    for (const meter of meters) await meter.close()
    await client.close()
  })
})
