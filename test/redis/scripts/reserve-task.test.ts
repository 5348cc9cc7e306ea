import { describe, expect, it } from 'vitest'
import { reserveTask } from '../../../packages/redis/src/scripts/reserve-task.ts'
import { redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'

describe.skipIf(!hasRedis())('a task of a fleet', () => {
  const redis = redisOfTests()
  const reserve = (process: string, nowMs: number | '', task = 'gauge') =>
    redis.connection.run(reserveTask, [redis.keys.tasks], [nowMs, process, task, 90_000, 1_000])

  it('is reserved for one process until its time is over, and each task for itself', async () => {
    expect(await reserve('a', 1_000)).toBe(1)
    expect(await reserve('b', 90_999)).toBe(0)
    expect(await reserve('b', 90_999, 'another gauge')).toBe(1)
    expect(await reserve('a', 2_000)).toBe(1)
    expect(await reserve('b', 91_999)).toBe(0)
    expect(await reserve('b', 92_000)).toBe(1)
    expect(await reserve('a', 92_000)).toBe(0)
  })

  it('is reserved by the clock of Redis, so clocks of hosts may differ', async () => {
    expect(await reserve('a', '')).toBe(1)
    expect(await reserve('b', '')).toBe(0)
    expect(await redis.server.command('TTL', redis.keys.tasks)).toBeGreaterThan(900)
  })
})
