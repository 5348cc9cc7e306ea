import { createMeter } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { redisStore } from '@px-usage/redis'
import { afterEach, describe, expect, it } from 'vitest'
import type { Store } from '../../packages/core/src/model/store.ts'
import { batches, callsOf, day } from '../support/count-batch.ts'
import {
  type ClientName,
  type ConnectedClient,
  clientNames,
  connectClient,
} from '../support/redis-clients.ts'
import { openFleetStore } from '../support/redis-fleet.ts'
import { hasRedis, startRedis, startRedisCluster, startRedisPair } from '../support/redis-server.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function connect(name: ClientName, port: number | number[]): Promise<ConnectedClient> {
  const client = await connectClient(name, { port })
  cleanUps.push(client.close)
  return client
}

/** Opens a store as a process would: with a client of its own. */
async function open(name: ClientName, port: number | number[], shards = 1) {
  const client = await connect(name, port)
  const opened = await openFleetStore(
    { prefix: 'px', sendCommand: (args, key) => client.sendCommand(args, key) },
    { shards },
  )
  cleanUps.push(() => opened.store.close())
  return opened
}

/** Counts as the meter of a process does: it offers a batch again until the store has it. */
function countingOf(store: Store, { tries = 40 } = {}) {
  const batch = batches()
  let offered: ReturnType<typeof batch> | undefined
  return async (rounds: number, before: (round: number) => unknown = () => {}) => {
    for (let round = 0; round < rounds; round++) {
      await before(round)
      offered ??= batch({ ada: 1, [`user ${round % 7}`]: 1 })
      for (let failures = 0; offered !== undefined; ) {
        try {
          await store.add(offered)
          offered = undefined
        } catch (error) {
          failures += 1
          if (failures === tries) throw error
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
    }
  }
}

async function sumOf(store: Store): Promise<number> {
  return Object.values(await callsOf(store)).reduce((sum, calls) => sum + calls, 0)
}

describe.skipIf(!hasRedis()).each(clientNames)('counts through %s are exact', (name) => {
  it('although replies are lost', async () => {
    const server = await startRedis()
    const proxy = await startTcpProxy(server.port)
    cleanUps.push(proxy.close)
    let cut = 0
    proxy.cut = (command, n) => command === 'EVALSHA' && n % 20 === 7 && ++cut > 0
    const { store } = await open(name, proxy.port)
    await countingOf(store)(400)
    proxy.cut = () => false
    expect(cut).toBeGreaterThan(15)
    expect(await sumOf(store)).toBe(800)
  })

  it('although Redis is killed and starts again', async () => {
    const server = await startRedis({ config: { appendfsync: 'everysec' } })
    const { store, errors } = await open(name, server.port)
    await countingOf(store)(60, async (round) => {
      if (round % 20 === 10) await server.restart()
    })
    await expect.poll(() => sumOf(store).catch(() => 0)).toBe(120)
    expect(errors).toEqual([])
  })

  it('although a failover loses what the primary had acknowledged', async () => {
    const pair = await startRedisPair()
    const proxy = await startTcpProxy(pair.primary.port)
    cleanUps.push(proxy.close)
    const { store, errors } = await open(name, proxy.port)
    await countingOf(store)(60, async (round) => {
      if (round === 20) pair.replica.pause()
      if (round !== 40) return
      await pair.primary.kill()
      pair.replica.resume()
      await pair.promote()
      proxy.target = pair.replica.port
      proxy.disconnect()
    })
    expect(await sumOf(store)).toBe(120)
    expect(errors).toEqual([])
  })

  it('although Redis forgets its scripts', async () => {
    const server = await startRedis()
    const { store } = await open(name, server.port)
    await countingOf(store)(30, (round) => (round % 5 === 0 ? server.command('SCRIPT', 'FLUSH') : undefined))
    expect(await sumOf(store)).toBe(60)
  })

  it('although a slot of a cluster moves to another node', async () => {
    const cluster = await startRedisCluster()
    const { store } = await open(
      name,
      cluster.nodes.map(({ port }) => port),
      4,
    )
    const key = `px:{default}:open:${day}`
    const count = countingOf(store)
    await count(20)
    const from = await cluster.nodeOf(key)
    const to = cluster.nodes.find((node) => node !== from)
    if (to === undefined) throw new Error('The cluster has one node only.')
    const move = await cluster.beginMove(key, to)
    let rounds = 0
    const counting = count(30, () => {
      rounds += 1
    })
    await expect.poll(() => rounds).toBeGreaterThan(3)
    await move.moveKeys()
    await move.finish()
    await counting
    await count(10)
    expect(await sumOf(store)).toBe(120)
  })

  it('although Redis has no memory left for a while', async () => {
    const server = await startRedis()
    const { store } = await open(name, server.port)
    const count = countingOf(store, { tries: 1 })
    await count(10)
    await server.command('CONFIG', 'SET', 'maxmemory', '1mb')
    await expect(count(1)).rejects.toThrow('Give Redis more memory')
    await server.command('CONFIG', 'SET', 'maxmemory', 0)
    await count(10)
    expect(await sumOf(store)).toBe(40)
  })
})

describe.skipIf(!hasRedis())('a meter with a Redis store', () => {
  const call = { method: 'GET', route: '/', statusCode: 200, aborted: false, identity: { userId: 'ada' } }

  it('starts while Redis is down, counts, and sends one event once Redis is up', async () => {
    const server = await startRedis()
    const client = await connect('ioredis', server.port)
    await server.kill()
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const px = inMemoryDelivery()
    const meter = createMeter({
      ...{ clock, delivery: px.delivery, startJitterMs: 0, onError() {} },
      store: redisStore({ sendCommand: (args, key) => client.sendCommand(args, key) }),
    })
    for (let calls = 0; calls < 50; calls++) meter.record(call)
    await expect(meter.flush()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
    for (let calls = 0; calls < 50; calls++) meter.record(call)
    expect(meter.stats().calls).toMatchObject({ counted: 100, inMemory: 100, stored: 0 })
    await server.restart()
    await expect.poll(() => client.sendCommand(['PING']).catch(() => ''), { timeout: 10_000 }).toBe('PONG')
    await meter.flush()
    expect(meter.stats().calls).toMatchObject({ inMemory: 0, stored: 100 })
    await clock.advance(24 * 3_600_000)
    await meter.flush()
    const daily = px.events.filter(({ eventName }) => eventName === 'dailyApiCalls')
    expect(daily).toMatchObject([{ attributes: { apiCalls: 100 } }])
    expect(await meter.close()).toMatchObject({ lost: { calls: 0, lines: 0 } })
  })

  it('does not hold up requests while Redis hangs, and ends in time', async () => {
    const server = await startRedis()
    const proxy = await startTcpProxy(server.port)
    cleanUps.push(proxy.close)
    const client = await connect('node-redis', proxy.port)
    const errors: string[] = []
    const meter = createMeter({
      dryRun: true,
      onError: ({ message }) => void errors.push(message),
      store: redisStore({ sendCommand: (args, key) => client.sendCommand(args, key) }),
    })
    meter.record(call)
    await meter.flush()
    proxy.mode = 'hang'
    const startedAt = performance.now()
    for (let calls = 0; calls < 10_000; calls++) meter.record(call)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    const closingAt = performance.now()
    const report = await meter.close({ timeoutMs: 1_000 })
    expect(performance.now() - closingAt).toBeLessThan(4_000)
    expect(report.lost.calls + (report.discarded?.calls ?? 0)).toBe(10_000)
    expect(errors.join('\n')).toContain('10000 calls')
  })

  it('warns at its start about a Redis that evicts keys', async () => {
    const server = await startRedis({ config: { maxmemory: '100mb', 'maxmemory-policy': 'volatile-lru' } })
    const { warnings } = await open('ioredis', server.port)
    expect(warnings).toEqual(['PXU_WRN_STORE_REDIS_EVICTS'])
  })
})
