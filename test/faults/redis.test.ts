import { setTimeout as sleep } from 'node:timers/promises'
import type { Meter } from '@px-usage/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type FleetOfMeters, fleetOfMeters } from '../support/fleet-of-meters.ts'
import { type ConnectedClient, clientNames, connectClient } from '../support/redis-clients.ts'
import {
  hasRedis,
  type RedisServer,
  type RedisServerOptions,
  startRedis,
  startRedisCluster,
  startRedisPair,
} from '../support/redis-server.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

const closing: (() => Promise<unknown>)[] = []
const later = <T>(one: T, close: (one: T) => Promise<unknown>): T => {
  closing.unshift(() => close(one))
  return one
}
let warn: ReturnType<typeof vi.spyOn>
beforeEach(() => {
  warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  vi.restoreAllMocks()
})

async function server(options?: RedisServerOptions): Promise<RedisServer> {
  return later(await startRedis(options), (one) => one.stop())
}
async function client(port: number | number[], name = clientNames[1]): Promise<ConnectedClient> {
  return later(await connectClient(name as 'ioredis', { port }), (one) => one.close())
}

/** A fleet of which no app may wait, whatever Redis does. */
function fleet(options = {}): FleetOfMeters {
  return later(fleetOfMeters(options), async (one) => {
    await one.close()
    expect(one.longestCountMs()).toBeLessThan(100)
  })
}

/** A server behind a proxy, a client of each kind, and a fleet with a meter on each. */
async function twoMeters(options?: RedisServerOptions) {
  const redis = await server(options)
  const proxy = later(await startTcpProxy(redis.port), (one) => one.close())
  const clients = await Promise.all(clientNames.map((name) => client(proxy.port, name)))
  const all = fleet()
  const start = () => clients.map((one) => all.start(one)) as [Meter, Meter]
  return { redis, proxy, clients, all, start }
}

/** A fleet of one meter, after a failover that lost its last 20 calls. */
async function failedOver() {
  const pair = later(await startRedisPair(), (one) => one.stop())
  const proxy = later(await startTcpProxy(pair.primary.port), (one) => one.close())
  const all = fleet()
  const meter = all.start(await client(proxy.port))
  all.count(meter, 10)
  await all.stored()
  await pair.primary.command('WAIT', 1, 1_000)
  await pair.promote()
  // The old primary does not know, and acknowledges what the new one never receives.
  all.count(meter, 20)
  await all.stored()
  await pair.primary.kill()
  proxy.target = pair.replica.port
  return { all, meter }
}

function interrupt(proxy: TcpProxy, mode: TcpProxy['mode']): void {
  proxy.mode = mode
  proxy.disconnect()
}

describe.skipIf(!hasRedis())('with Redis', { timeout: 120_000 }, () => {
  it('down at start, counts wait in memory and are exact once it is up', async () => {
    const { proxy, all, start } = await twoMeters()
    interrupt(proxy, 'refuse')
    const meters = start()
    for (const meter of meters) all.count(meter, 100)
    await all.until(() => all.errors.length > 0, 60_000)
    expect(meters.map((meter) => meter.stats().calls.inMemory)).toEqual([100, 100])
    expect(all.errors[0]).toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
    proxy.mode = 'forward'
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('losing every 20th reply after execution, each call is counted once', async () => {
    const { proxy, all, start } = await twoMeters()
    const meters = start()
    await all.stored()
    proxy.cut = (name, n) => name === 'EVALSHA' && n % 20 === 0
    for (let round = 0; round < 100; round++) {
      for (const meter of meters) all.count(meter, 1 + (round % 5), `user ${round % 7}`)
      await all.clock.advance(1_000)
      await sleep(5)
    }
    await all.stored()
    proxy.cut = () => false
    expect(proxy.cuts).toBeGreaterThan(5)
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('failing before it executes a batch, the batch is counted when it comes again', async () => {
    const { proxy, all, start } = await twoMeters()
    const [meter] = start()
    all.count(meter, 1)
    await all.stored()
    interrupt(proxy, 'refuse')
    all.count(meter, 5)
    await all.clock.advance(2_000)
    await sleep(500)
    expect(meter.stats().calls.inMemory).toBe(5)
    proxy.mode = 'forward'
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('killed and started again, and emptied, counts of the last minutes are sent again', async () => {
    const { redis, all, start } = await twoMeters()
    const meters = start()
    const countAndStore = async () => {
      for (const meter of meters) all.count(meter, 10)
      await all.stored()
    }
    await countAndStore()
    await redis.restart()
    await countAndStore()
    await redis.command('FLUSHALL')
    await countAndStore()
    expect(await all.dayInPx()).toEqual(all.truth())
    expect(all.errors.map(({ code }) => code)).toContain('PXU_ERR_STORE_REDIS_LOST')
  })

  it('emptied after more than five minutes, the number of lost calls is reported', async () => {
    const { redis, all, start } = await twoMeters()
    const [meter] = start()
    for (let batch = 0; batch < 3; batch++) {
      all.count(meter, 10)
      await all.stored()
      await all.until(() => true)
    }
    for (let minute = 0; minute < 10; minute++) {
      await all.clock.advance(60_000)
      await sleep(20)
    }
    all.count(meter, 1)
    await all.stored()
    await redis.command('FLUSHALL')
    all.count(meter, 1)
    await all.stored()
    const lost = all.errors.filter(({ code }) => code === 'PXU_ERR_STORE_REDIS_LOST')
    expect(lost.map(({ message }) => message).join('\n')).toMatch(/up to 30 calls/)
  })

  it('failed over to a replica without the last writes, counts are exact', async () => {
    const { all, meter } = await failedOver()
    all.count(meter, 5)
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('failed over while its last writer counts nothing, counts are exact', async () => {
    const { all } = await failedOver()
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('failed over while the day changes, three processes bring one event with all calls', async () => {
    const pair = later(await startRedisPair(), (one) => one.stop())
    const proxy = later(await startTcpProxy(pair.primary.port), (one) => one.close())
    const clients = await Promise.all(
      ['ioredis', 'node-redis', 'ioredis'].map((name) => client(proxy.port, name as 'ioredis')),
    )
    const all = fleet()
    const meters = clients.map((one) => all.start(one))
    for (const meter of meters) all.count(meter, 10)
    await all.stored()
    await pair.primary.command('WAIT', 1, 1_000)
    await all.until(() => all.clock.now() >= Date.parse('2026-11-23T23:59:00Z'), 30_000)
    // Only the old primary has these, and nothing the last ones.
    pair.replica.pause()
    for (const meter of meters) all.count(meter, 5)
    await all.stored()
    for (const meter of meters) all.count(meter, 2)
    await pair.primary.kill()
    await all.clock.advance(2 * 60_000)
    pair.replica.resume()
    await pair.promote()
    proxy.target = pair.replica.port
    proxy.disconnect()
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('emptied while a process counts nothing, its counts of the last minutes are sent again', async () => {
    const { redis, all, start } = await twoMeters()
    const meters = start()
    for (const meter of meters) all.count(meter, 10)
    await all.stored()
    await redis.command('FLUSHALL')
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('replying READONLY, counts wait until the replica is a primary', async () => {
    const pair = later(await startRedisPair(), (one) => one.stop())
    const proxy = later(await startTcpProxy(pair.primary.port), (one) => one.close())
    const all = fleet()
    const meter = all.start(await client(proxy.port, 'node-redis'))
    all.count(meter, 10)
    await all.stored()
    await pair.primary.command('WAIT', 1, 1_000)
    await pair.primary.kill()
    proxy.target = pair.replica.port
    all.count(meter, 5)
    await all.until(() => all.errors.some(({ message }) => message.includes('READONLY')))
    expect(meter.stats().calls.inMemory).toBe(5)
    await pair.promote()
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('forgetting its scripts, and busy with the script of another, counts are exact', async () => {
    const { redis, all, start } = await twoMeters({ config: { 'busy-reply-threshold': 50 } })
    const meters = start()
    for (const meter of meters) all.count(meter, 3)
    await all.stored()
    await redis.command('SCRIPT', 'FLUSH')
    for (const meter of meters) all.count(meter, 3)
    await all.stored()
    const endless = redis.command('EVAL', 'while true do end', 0).catch(() => {})
    await sleep(200)
    for (const meter of meters) all.count(meter, 3)
    await all.until(() => all.errors.some(({ message }) => message.includes('BUSY')))
    await redis.command('SCRIPT', 'KILL')
    await endless
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('as a cluster whose slots move, counts are exact with both clients', async () => {
    const cluster = later(await startRedisCluster(), (one) => one.stop())
    const ports = cluster.nodes.map(({ port }) => port)
    const all = fleet({ shards: 3 })
    const clients = await Promise.all(clientNames.map((name) => client(ports, name)))
    const meters = clients.map((one) => all.start(one))
    const count = async () => {
      for (const meter of meters) for (let user = 0; user < 6; user++) all.count(meter, 2, `user ${user}`)
      await all.stored()
    }
    await count()
    const found = await Promise.all(cluster.nodes.map((node) => node.command('KEYS', `${all.prefix}*`)))
    const tags = [...new Set((found.flat() as string[]).map((key) => /\{.*\}/.exec(key)?.[0] ?? ''))]
    expect(tags.filter((tag) => tag !== '').length).toBe(3)
    for (const tag of tags.filter((one) => one !== '')) {
      const from = await cluster.nodeOf(tag)
      const to = cluster.nodes.find((node) => node !== from) as RedisServer
      const move = await cluster.beginMove(tag, to)
      await count()
      await move.moveKeys()
      await count()
      await move.finish()
      await count()
    }
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('out of memory, counts wait until it has more', async () => {
    const { redis, all, start } = await twoMeters()
    const [meter] = start()
    all.count(meter, 3)
    await all.stored()
    await redis.command('CONFIG', 'SET', 'maxmemory', 1)
    all.count(meter, 4)
    await all.until(() => all.errors.some(({ message }) => /OOM.*more memory/.test(message)))
    expect(meter.stats().calls.inMemory).toBe(4)
    await redis.command('CONFIG', 'SET', 'maxmemory', 0)
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('that removes keys when its memory is full, px-usage warns at start', async () => {
    const config = { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' }
    const { all, start } = await twoMeters({ config })
    start()
    await all.until(() => warn.mock.calls.length > 0)
    expect(warn.mock.calls[0]?.[0]).toMatch(/allkeys-lru.*noeviction/)
  })

  it('accepting connections without a reply, the app does not wait and close ends in time', async () => {
    const { proxy, all, start } = await twoMeters()
    const [meter, other] = start()
    await all.stored()
    proxy.mode = 'hang'
    const startMs = performance.now()
    all.count(meter, 1_000)
    all.count(other, 10)
    expect(performance.now() - startMs).toBeLessThan(100)
    await all.until(() => all.errors.some(({ message }) => message.includes('did not reply within 2000 ms')))
    const closingMs = performance.now()
    const report = meter.close({ timeoutMs: 1_000 })
    await all.until(() => Promise.race([report.then(() => true), sleep(5, false)]))
    expect(performance.now() - closingMs).toBeLessThan(8_000)
    expect((await report).lost.calls).toBe(1_000)
    interrupt(proxy, 'forward')
    await all.until(() => other.stats().calls.inMemory === 0)
  })

  it('in a rollout of all processes, no call of any second is lost', async () => {
    const redis = await server()
    const one = await client(redis.port)
    const all = fleet()
    let running = Array.from({ length: 4 }, () => all.start(one))
    for (let at = 0; at < running.length; at++) {
      for (let second = 0; second < 5; second++) {
        for (const meter of running) all.count(meter, 1)
        await all.clock.advance(1_000)
      }
      const fresh = all.start(one)
      all.count(running[at] as Meter, 3)
      expect((await running[at]?.close())?.lost.calls).toBe(0)
      all.count(fresh, 3)
      running = running.map((meter, index) => (index === at ? fresh : meter))
    }
    expect(await all.dayInPx()).toEqual(all.truth())
  })

  it('for 2, then 40, then 2 processes in a day, each user has one event with all calls', async () => {
    const redis = await server()
    const clients = await Promise.all(clientNames.map((name) => client(redis.port, name)))
    const all = fleet()
    const start = (count: number) =>
      Array.from({ length: count }, (_, at) => all.start(clients[at % 2] as ConnectedClient))
    const running = start(2)
    const work = async () => {
      for (const [at, meter] of running.entries()) all.count(meter, 1 + (at % 3), `user ${at % 5}`)
      await all.clock.advance(1_000)
      await sleep(10)
    }
    await work()
    running.push(...start(38))
    await work()
    await work()
    await Promise.all(running.splice(2).map((meter) => meter.close()))
    await work()
    expect(await all.dayInPx()).toEqual(all.truth())
  })
})
