import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore, type Meter, type Store } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { redisStore } from '@px-usage/redis'
import { describe, expect, test } from 'vitest'
import { redisOfTests } from '../support/redis-fleet.ts'
import { hasRedis } from '../support/redis-server.ts'
import { runCli } from '../support/run-cli.ts'

const workers = 8
const clockStart = '2026-11-23T23:40:00Z'
const isSum = ({ closed = 0, delivered = 0, pending = 0, unconfirmed = 0, rejected = 0 }) =>
  closed === delivered + pending + unconfirmed + rejected

interface DayRead {
  readonly day: string
  readonly calls: number
}

/**
 * Lets 8 workers count through a midnight, with a reading of `status` and `preview` after the other, and checks each reading: no call is
 * missing in it, none is there twice, and the identities hold.
 */
async function readWhileCounting(storeOf: () => Store, place: readonly string[]): Promise<void> {
  const clock = fakeClock(clockStart)
  let delivered = 0
  const meters: Meter[] = Array.from({ length: workers }, () =>
    createMeter({
      ...{ apiKey: 'key', productKey: 'AP-X-2', clock, startJitterMs: 0, store: storeOf() },
      async delivery({ body }) {
        const { eventName, attributes } = JSON.parse(body)
        if (eventName === 'dailyApiCalls') delivered += attributes.apiCalls
        return delivered % 7 === 0 ? { outcome: 'retryable', reason: 'busy' } : { outcome: 'delivered' }
      },
    }),
  )
  const sum = (of: 'counted' | 'stored') => meters.reduce((all, meter) => all + meter.stats().calls[of], 0)
  let isRunning = true
  async function count(): Promise<void> {
    for (let turn = 0; isRunning; turn++) {
      for (const [at, meter] of meters.entries()) {
        for (let call = 0; call < 3; call++) {
          const identity = { userId: `user ${(at + turn + call) % 5}` }
          const route = `/v1/${turn % 3}`
          meter.record({ identity, method: 'GET', route, statusCode: 200, aborted: false })
        }
      }
      // The day ends after a third of the readings.
      await clock.advance(turn % 4 === 0 ? 30_000 : 0)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  const counting = count()
  const now = () => clock.now()
  const run = async (command: string) =>
    JSON.parse((await runCli([command, '--json', ...place], { now })).out)
  try {
    await expect.poll(() => sum('stored'), { timeout: 10_000 }).toBeGreaterThan(100)
    let isClosed = false
    let readings = 0
    for (const deadlineMs = performance.now() + 30_000; performance.now() < deadlineMs; readings++) {
      const least = sum('stored')
      const [status] = await run('status')
      const most = sum('counted')
      expect(isSum(status.outbox.counts)).toBe(true)
      const { counted, stored, inMemory } = status.accounting
      expect(counted).toBe(stored + inMemory)
      const open = status.days.reduce((all: number, { calls }: DayRead) => all + calls, 0)
      if (status.outbox.counts.closed === 0) {
        expect(open).toBeGreaterThanOrEqual(least)
        expect(open).toBeLessThanOrEqual(most)
      }
      for (const { byName } of await run('preview')) {
        const callsOf = (name: string) =>
          byName.find((one: { eventName: string }) => one.eventName === name)?.apiCalls
        expect(callsOf('dailyEndpointCalls')).toBe(callsOf('dailyApiCalls'))
      }
      isClosed = status.outbox.counts.delivered > 5
      if (isClosed && readings > 15) break
    }
    expect(isClosed).toBe(true)
  } finally {
    isRunning = false
    await counting
    await Promise.all(meters.map((meter) => meter.close({ timeoutMs: 0 })))
  }
}

test('status and preview of a folder add up in each reading while 8 workers count', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'px-usage-reading-'))
  await readWhileCounting(() => fileStore({ dir }), ['--dir', dir])
  rmSync(dir, { recursive: true, force: true })
})

describe.runIf(hasRedis())('with a redis-server', () => {
  const redis = redisOfTests()

  test('status and preview of Redis add up in each reading while a fleet of 8 counts', async () => {
    const { prefix: keyPrefix, sendCommand, server } = redis
    const url = `redis://127.0.0.1:${server.port}`
    await readWhileCounting(
      () => redisStore({ sendCommand, keyPrefix }),
      ['--redis', url, '--key-prefix', keyPrefix],
    )
  })
})
