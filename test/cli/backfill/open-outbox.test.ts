import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter } from '@px-usage/core'
import { createPastDays, type PastDays } from '@px-usage/core/adapter'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { redisStore } from '@px-usage/redis'
import { afterAll, describe, expect, it } from 'vitest'
import { openOutbox } from '../../../packages/cli/src/backfill/open-outbox.ts'
import { parseSettings } from '../../../packages/cli/src/settings.ts'
import { redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'
import { runCli } from '../../support/run-cli.ts'

it.each([
  [{ dir: '/dev/null/x' }, '/dev/null/x'],
  [{ redis: 'redis://127.0.0.1:1' }, 'Redis at 127.0.0.1:1 cannot be reached'],
])('a store that cannot be used is reported: %j', async (flags, message) => {
  const settings = parseSettings({ flags, env: {}, file: undefined, cwd: '/' })
  const past = createPastDays({ productKey: 'AP-X-2', onProblem() {} })
  await expect(openOutbox(settings, past)).rejects.toThrow(message)
})

describe.runIf(hasRedis())('with a redis-server', () => {
  const redis = redisOfTests()
  const clock = fakeClock('2026-11-10T23:30:00Z')
  const px = inMemoryDelivery()
  const cwd = mkdtempSync(join(tmpdir(), 'px-usage-backfill-'))
  afterAll(() => rmSync(cwd, { recursive: true }))

  const startMeter = (keyPrefix: string) =>
    createMeter({
      ...{ apiKey: 'key', productKey: 'AP-X-2', clock, delivery: px.delivery, startJitterMs: 0 },
      store: redisStore({ sendCommand: redis.sendCommand, keyPrefix }),
    })
  async function until(isSo: () => boolean, stepMs = 30_000): Promise<void> {
    for (let step = 0; !isSo() && step < 500; step++) {
      await clock.advance(stepMs)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(isSo()).toBe(true)
  }
  const callsOf = (name: string) =>
    px.events
      .filter(({ eventName, attributes }) => eventName === 'dailyApiCalls' && attributes.backfill === name)
      .map(({ identifyId, attributes }) => `${attributes.day} ${identifyId} ${attributes.apiCalls}`)

  it('a fleet sends what was queued, once; a closed day is refused; a revert withdraws', async () => {
    const { prefix } = redis
    const url = `redis://127.0.0.1:${redis.server.port}`
    const backfill = (...args: string[]) =>
      runCli(['backfill', '--redis', url, '--key-prefix', prefix, ...args], {
        ...{ cwd, env: { PX_PRODUCT_KEY: 'AP-X-2' }, now: () => Date.parse('2026-11-20T10:00:00Z') },
      })
    const log = (name: string, day: string) =>
      writeFileSync(
        join(cwd, name),
        `10.0.0.1 - ann [${day}/Nov/2026:10:00:00 +0000] "GET /v1/users/7 HTTP/1.1" 200 10 "-" "curl"\n`,
      )
    writeFileSync(join(cwd, 'routes.txt'), 'GET /v1/users/:id\n')
    for (const day of ['08', '09', '10']) log(`${day}.log`, day)

    let meter = startMeter(prefix)
    meter.record({
      ...{ method: 'GET', route: '/v1/users/:id', statusCode: 200, aborted: false },
      identity: { userId: 'ann' },
    })
    await until(() => px.events.length === 2, 300_000)

    const queue = ['--routes', 'routes.txt', '--yes']
    const closed = await backfill(...queue, '--name', 'tenth', '10.log')
    expect(closed.code).toBe(1)
    expect(closed.err).toContain('the first is 2026-11-10 (the service closed it)')
    expect((await backfill(...queue, '--name', 'eighth', '08.log')).code).toBe(0)
    const again = await backfill(...queue, '--json', '08.log')
    expect(JSON.parse(again.out)).toMatchObject({ isQueued: false, events: 0 })
    await until(() => callsOf('eighth').length === 1)
    expect(callsOf('eighth')).toEqual(['2026-11-08 ann 1'])
    expect((await backfill(...queue, '--revision', '--name', 'tenth', '10.log')).code).toBe(0)
    await until(() => callsOf('tenth').length === 1)
    await meter.close()

    expect((await backfill(...queue, '--name', 'ninth', '09.log')).code).toBe(0)
    expect((await backfill('revert', 'ninth', '--yes')).out).toContain('Withdrawn: 2 events')
    expect((await backfill('list')).out).toMatch(/ninth[\s\S]*2 events: 2 withdrawn/)
    meter = startMeter(prefix)
    meter.record({
      ...{ method: 'GET', route: '/v1/users/:id', statusCode: 200, aborted: false },
      identity: { userId: 'bob' },
    })
    await until(() => px.events.some(({ identifyId }) => identifyId === 'bob'), 600_000)
    expect(callsOf('ninth')).toEqual([])
    await meter.close()
  }, 60_000)

  it('gives the lease up to a service that starts while it is open', async () => {
    const { prefix: keyPrefix } = redis
    const url = `redis://127.0.0.1:${redis.server.port}`
    const settings = parseSettings({ flags: { redis: url, keyPrefix }, env: {}, file: undefined, cwd: '/' })
    const { context } = createPastDays({ productKey: 'AP-X-2', onProblem() {} })
    const outbox = await openOutbox(settings, { context } as PastDays)
    const service = redisStore({ sendCommand: redis.sendCommand, keyPrefix })
    await service.open(context)
    expect(await service.isSender()).toBe(false)
    await expect.poll(() => service.isSender(), { timeout: 5_000, interval: 200 }).toBe(true)
    await service.close()
    await outbox.close()
  })
})
