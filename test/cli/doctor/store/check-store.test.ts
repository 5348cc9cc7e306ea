import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPastDays } from '@px-usage/core/adapter'
import { redisStore } from '@px-usage/redis'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { checkStore } from '../../../../packages/cli/src/doctor/store/check-store.ts'
import { connectClient } from '../../../support/redis-clients.ts'
import {
  hasRedis,
  type RedisCluster,
  type RedisServer,
  startRedis,
  startRedisCluster,
} from '../../../support/redis-server.ts'

const redisAt = (port: number, keyPrefix = 'px-usage', login = '') =>
  ({ kind: 'redis', url: `redis://${login}127.0.0.1:${port}`, keyPrefix }) as const

async function faultsOf(place: Parameters<typeof checkStore>[0]): Promise<string[]> {
  const { checks } = await checkStore(place, {})
  return checks
    .filter(({ verdict }) => verdict === 'failure' || verdict === 'warning')
    .map(({ verdict, name, found }) => `${verdict}: ${name}: ${found}`)
}

test('a folder is checked, with the processes that use it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'px-usage-doctor-'))
  const { area, checks } = await checkStore({ kind: 'folder', dir }, {})
  rmSync(dir, { recursive: true })
  expect(area).toBe(`Folder ${dir}`)
  expect(checks.map(({ name }) => name)).toEqual(['folder', 'file system', 'senders in the store'])
})

test('a Redis that does not run is a failure, without the password of its address', async () => {
  const [fault, ...more] = await faultsOf(redisAt(1, 'px-usage', 'user:secret@'))
  expect(more).toEqual([])
  expect(fault).toMatch(/^failure: Redis: Redis does not respond: .*ECONNREFUSED/)
  expect(fault).not.toContain('secret')
})

describe.runIf(hasRedis())('with a redis-server', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis({ user: { name: 'px', password: 'p', rules: '~* +@all' } })
  })
  afterAll(() => server.stop())

  it('a Redis with one service has no fault', async () => {
    const client = await connectClient('node-redis', { port: server.port })
    const store = redisStore({ sendCommand: (args) => client.sendCommand(args) })
    await store.open(createPastDays({ productKey: 'AP-X-2', onProblem() {} }).context)
    const { area, checks } = await checkStore(redisAt(server.port), {})
    expect(area).toBe(`Redis at 127.0.0.1:${server.port}`)
    expect(checks.map(({ name, verdict }) => `${verdict}: ${name}`)).toEqual([
      'ok: Redis',
      'ok: Redis policy',
      'ok: Redis durability',
      'ok: Redis permissions',
      'ok: senders in the store',
    ])
    await store.close()
    await client.close()
  })

  it('a wrong password, eviction and a missing append-only file are found', async () => {
    const [refused] = await faultsOf(redisAt(server.port, 'px-usage', 'px:wrong@'))
    expect(refused).toMatch(/^failure: Redis: Redis does not respond: WRONGPASS/)
    await server.command('CONFIG', 'SET', 'maxmemory', '200mb')
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    await server.command('CONFIG', 'SET', 'appendonly', 'no')
    const found = await faultsOf(redisAt(server.port, 'px-usage', 'px:p@'))
    expect(found.map((fault) => fault.split(':').slice(0, 2).join(':'))).toEqual([
      'failure: Redis policy',
      'warning: Redis durability',
    ])
  })
})

describe.runIf(hasRedis())('with a Redis Cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster({ config: { 'cluster-require-full-coverage': 'yes' } })
  }, 60_000)
  afterAll(() => cluster.stop())

  it('each node is checked, and slots that no node serves are found', async () => {
    const [first, second] = cluster.nodes as [RedisServer, RedisServer]
    const place = redisAt(first.port)
    const ports = cluster.nodes.map(({ port }) => port)
    const client = await connectClient('node-redis', { port: ports })
    const store = redisStore({ sendCommand: (args, key) => client.sendCommand(args, key), shards: 3 })
    await store.open(createPastDays({ productKey: 'AP-X-2', onProblem() {} }).context)
    const { checks } = await checkStore(place, {})
    expect(checks.map(({ name, verdict }) => `${verdict}: ${name}`)).toEqual([
      'ok: Redis',
      'ok: Redis policy',
      'ok: Redis durability',
      'ok: Redis permissions',
      'ok: Redis Cluster',
      'ok: senders in the store',
    ])
    await store.close()
    await client.close()
    await second.command('CONFIG', 'SET', 'maxmemory', '200mb')
    await second.command('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru')
    expect(await faultsOf(place)).toEqual([
      expect.stringMatching(
        `^failure: Redis policy: 127.0.0.1:${second.port}: maxmemory-policy is volatile-lru`,
      ),
    ])
    await second.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    await second.command('CLUSTER', 'DELSLOTSRANGE', 6_000, 6_001)
    const [fault] = (await faultsOf(place)).filter((text) => text.startsWith('failure: Redis Cluster'))
    expect(fault).toMatch(/cluster_state is fail, \d+ of 16384 slots are served/)
  })
})
