import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore, type Meter, type Store } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { redisStore } from '@px-usage/redis'
import { startEmulator } from 'px-emulator'
import { describe, expect, test } from 'vitest'
import { redisOfTests } from '../support/redis-fleet.ts'
import { hasRedis } from '../support/redis-server.ts'
import { runCli } from '../support/run-cli.ts'

const workers = 8
const users = 30
const day = '2026-11-23'
const isSum = ({ closed = 0, delivered = 0, pending = 0, unconfirmed = 0, rejected = 0 }) =>
  closed === delivered + pending + unconfirmed + rejected

interface ByName {
  readonly eventName: string
  readonly apiCalls: number
}
const callsOf = (name: string, byName: readonly ByName[]) =>
  byName.filter(({ eventName }) => eventName === name).reduce((all, { apiCalls }) => all + apiCalls, 0)

/**
 * Lets 8 workers count through a midnight and send the day, with one reading after the other, and checks each reading: no call is missing
 * in it, none is there twice, and the identities hold.
 */
async function readWhileCounting(storeOf: () => Store, place: readonly string[]): Promise<void> {
  const clock = fakeClock(`${day}T23:52:00Z`)
  await using px = await startEmulator({ port: 0, now: () => clock.now() })
  const { apiKey, productKey, url: baseUrl } = px
  const meters: Meter[] = Array.from({ length: workers }, () =>
    createMeter({ apiKey, productKey, baseUrl, clock, startJitterMs: 0, store: storeOf() }),
  )
  const sum = (of: 'counted' | 'stored') => meters.reduce((all, meter) => all + meter.stats().calls[of], 0)
  let isRunning = true
  async function count(): Promise<void> {
    for (let turn = 0; isRunning; turn++) {
      for (const [at, meter] of meters.entries()) {
        for (let call = 0; call < 3; call++) {
          const identity = { userId: `user ${(at * 7 + turn + call) % users}` }
          const route = `/v1/${turn % 3}`
          meter.record({ identity, method: 'GET', route, statusCode: 200, aborted: false })
        }
      }
      await clock.advance(turn % 4 === 0 ? 30_000 : 0)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  const env = { PX_API_KEY: apiKey, PX_PRODUCT_KEY: productKey, PX_BASE_URL: baseUrl }
  async function run(command: string, ...args: string[]) {
    const { out, err } = await runCli([command, ...args, '--json', ...place], { now: () => clock.now(), env })
    expect(out, err).not.toBe('')
    return JSON.parse(out)
  }
  const counting = count()
  let isSent = false
  let closedCalls = 0
  try {
    await expect.poll(() => sum('stored'), { timeout: 10_000 }).toBeGreaterThan(100)
    for (const deadlineMs = performance.now() + 30_000; !isSent && performance.now() < deadlineMs; ) {
      const least = sum('stored')
      const [status] = await run('status')
      const most = sum('counted')
      const { counts } = status.outbox
      expect(isSum(counts)).toBe(true)
      const { counted, stored, inMemory } = status.accounting
      expect(counted).toBe(stored + inMemory)
      const open = status.days.reduce((all: number, { calls }: { calls: number }) => all + calls, 0)
      if (counts.closed === 0) {
        expect(open).toBeGreaterThanOrEqual(least)
        expect(open).toBeLessThanOrEqual(most)
      }
      for (const { byName } of await run('preview'))
        expect(callsOf('dailyEndpointCalls', byName)).toBe(callsOf('dailyApiCalls', byName))
      isSent = counts.closed > 0 && counts.delivered === counts.closed
      if (counts.closed === 0) continue
      const [{ byName }] = await run('events', day)
      closedCalls ||= callsOf('dailyApiCalls', byName)
      expect(closedCalls).toBeGreaterThan(0)
      for (const name of ['dailyApiCalls', 'dailyEndpointCalls'])
        expect(callsOf(name, byName)).toBe(closedCalls)
      const { faults } = await run('audit', day)
      expect(faults).toEqual([])
    }
    expect(isSent).toBe(true)
  } finally {
    isRunning = false
    await counting
    await Promise.all(meters.map((meter) => meter.close({ timeoutMs: 0 })))
  }
}

test('status, preview, events and audit of a folder add up while 8 workers count and send', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'px-usage-reading-'))
  await readWhileCounting(() => fileStore({ dir }), ['--dir', dir])
  rmSync(dir, { recursive: true, force: true })
})

describe.runIf(hasRedis())('with a redis-server', () => {
  const redis = redisOfTests()

  test('status, preview, events and audit of Redis add up while a fleet of 8 counts and sends', async () => {
    const { prefix: keyPrefix, sendCommand, server } = redis
    const url = `redis://127.0.0.1:${server.port}`
    const place = ['--redis', url, '--key-prefix', keyPrefix]
    await readWhileCounting(() => redisStore({ sendCommand, keyPrefix }), place)
  })
})
