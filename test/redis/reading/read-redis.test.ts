import { createMeter } from '@px-usage/core'
import { readProcesses, summarizeDay } from '@px-usage/core/adapter'
import { fakeClock } from '@px-usage/core/testing'
import { readRedis, redisStore } from '@px-usage/redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConnectedClient, connectClient } from '../../support/redis-clients.ts'
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server.ts'
import { runCli, tooWide } from '../../support/run-cli.ts'

const reads = [
  'EXISTS',
  'HGET',
  'HGETALL',
  'HLEN',
  'HMGET',
  'HSCAN',
  'LRANGE',
  'SMEMBERS',
  'TIME',
  'ZRANGEBYLEX',
  'ZSCORE',
]

describe.skipIf(!hasRedis())('readRedis', () => {
  let server: RedisServer
  let client: ConnectedClient
  beforeAll(async () => {
    server = await startRedis()
    client = await connectClient('node-redis', { port: server.port })
  })
  afterAll(() => client.close())

  it('reads a fleet with commands that read, and repairs what PX rejected', async () => {
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const sendCommand = (args: string[]) => client.sendCommand(args)
    const meter = createMeter({
      ...{ productKey: 'AP-TEST-2', apiKey: 'k', baseUrl: 'https://api.aptrinsic.com', clock },
      store: redisStore({ sendCommand }),
      delivery: async ({ body }) =>
        body.includes('ann') ? { outcome: 'rejected', reason: 'no' } : { outcome: 'delivered' },
    })
    const call = (userId: string) =>
      meter.record({ identity: { userId }, method: 'GET', route: '/', statusCode: 200, aborted: false })
    for (const user of ['ann', 'bob', 'bob']) call(user)
    await meter.flush()

    const sent: string[] = []
    const [reader] = await readRedis({
      sendCommand(args) {
        sent.push(String(args[0]))
        return sendCommand(args)
      },
    })
    if (reader === undefined) throw new Error('no namespace')
    expect(reader.namespace).toMatchObject({ product: 'AP-TEST-2', timeZone: 'UTC' })
    expect(await reader.openDays()).toMatchObject([
      { day: '2026-11-23', revision: 0, writers: [{ id: expect.any(String) }] },
    ])
    expect(await summarizeDay(reader.totals('2026-11-23'))).toMatchObject({ calls: 3, series: 2, users: 2 })
    expect(await reader.sender()).toMatchObject({ id: expect.any(String) })
    expect(await readProcesses(reader)).toHaveLength(1)

    await clock.advance(15 * 3_600_000)
    await meter.flush()
    expect((await reader.outbox()).counts).toEqual(meter.stats().lines)
    expect(await reader.outbox()).toMatchObject({
      counts: { closed: 4, delivered: 2, rejected: 2 },
      days: [{ day: '2026-11-23', rejected: 2, pending: 0 }],
    })
    expect([...new Set(sent)].filter((name) => !reads.includes(name))).toEqual([])

    const at = { env: { PX_USAGE_REDIS: `redis://127.0.0.1:${server.port}` }, now: clock.now }
    const status = await runCli(['status'], { ...at, isTerminal: true })
    expect(status).toMatchObject({ code: 1, err: '' })
    expect(tooWide(status.out)).toEqual([])
    const exported = await runCli(['export', '2026-11-23'], at)
    expect(exported.code).toBe(0)
    expect(exported.err).toContain('Exported 4 events of 2026-11-23 (UTC): 2 rejected, 2 delivered.')
    expect(exported.out.match(/"identifyId":"ann"/g)).toHaveLength(2)
    const unsent = await runCli(['export', '2026-11-23', '--lines', 'unsent'], at)
    expect([unsent.code, unsent.out.includes('"bob"')]).toEqual([0, false])
    const events = await runCli(['events', '2026-11-23'], at)
    expect(events.out).toMatch(/dailyApiCalls +delivered +1 +2/)
    expect(events.out).not.toContain('not all of them')
    const redelivered = await runCli(['redeliver', '--event', 'dailyApiCalls', '--yes', '--json'], at)
    expect(JSON.parse(redelivered.out)).toMatchObject({ state: 'done' })
    expect((await runCli(['discard', '--all', '--yes'], at)).out).toBe('1 rejected line discarded.\n')
    expect((await reader.outbox()).counts).toMatchObject({ closed: 3, delivered: 2, pending: 1, rejected: 0 })
    await meter.close()
  })

  it('says that a prefix has no counts, and that Redis cannot be reached', async () => {
    const url = `redis://:secret@127.0.0.1:${server.port}`
    const none = await runCli(['status', '--redis', url.replace(':secret@', ''), '--key-prefix', 'other'])
    expect(none).toMatchObject({
      code: 3,
      err: expect.stringContaining('no counts of px-usage with the prefix other'),
    })
    const unreachable = await runCli(['status', '--redis', 'redis://:secret@127.0.0.1:1'])
    expect(unreachable.code).toBe(3)
    expect(unreachable.err).toContain('Redis at 127.0.0.1:1 cannot be reached')
    expect(unreachable.err).not.toContain('secret')
  })
})
