import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { checkRedis, neededCommands } from '../../../packages/cli/src/doctor/redis-checks.ts'
import { connectClient } from '../../support/redis-clients.ts'
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server.ts'

const readme = readFileSync(join(import.meta.dirname, '../../../packages/redis/README.md'), 'utf8')

test('the commands are those that the README of @px-usage/redis lists', () => {
  const [, rules = ''] = /^ACL SETUSER .*? -@all (.*)$/m.exec(readme) ?? []
  expect(neededCommands).toEqual(rules.split(' ').map((rule) => rule.replace('+', '')))
})

describe('without a server', () => {
  const failing = (message: string) => checkRedis(() => Promise.reject(new Error(message)), 'px-usage')

  it.each([
    ['connect ECONNREFUSED 127.0.0.1:1', 'failure: Redis', 'Check the address'],
    ['WRONGPASS invalid username-password pair', 'failure: Redis', 'user and the password'],
    ["NOPERM this user has no permissions to run the 'time' command", 'failure: Redis permissions', 'README'],
  ])('%s', async (message, fault, cure) => {
    const [check, ...more] = await failing(message)
    expect([`${check?.verdict}: ${check?.name}`, more]).toEqual([fault, []])
    expect(check?.cure).toContain(cure)
  })

  it.each([
    ['role:slave\r\nmaxmemory_policy:noeviction\r\naof_enabled:1', 'failure: Redis'],
    ['maxmemory_policy:allkeys-lru\r\nmaxmemory:0\r\naof_enabled:1', 'warning: Redis policy'],
    [
      'maxmemory_policy:noeviction\r\nmaxmemory:100\r\nused_memory:95\r\naof_enabled:1',
      'warning: Redis policy',
    ],
    [
      'maxmemory_policy:noeviction\r\naof_enabled:1\r\naof_last_write_status:err',
      'failure: Redis durability',
    ],
  ])('INFO with %j', async (info, fault) => {
    const checks = await checkRedis(async ([command]) => (command === 'INFO' ? info : 'OK'), 'px-usage')
    expect(
      checks.filter(({ verdict }) => verdict !== 'ok').map(({ verdict, name }) => `${verdict}: ${name}`),
    ).toEqual([fault])
  })
})

describe.runIf(hasRedis())('with a redis-server', () => {
  let server: RedisServer
  beforeAll(async () => {
    const [, rules = ''] = /^ACL SETUSER px-usage on >password (.*)$/m.exec(readme) ?? []
    server = await startRedis({ user: { name: 'px', password: 'p', rules } })
  })
  afterAll(() => server.stop())

  async function check(user?: { name: string; password: string }) {
    const client = await connectClient('ioredis', {
      port: server.port,
      ...(user === undefined ? {} : { user }),
    })
    const checks = await checkRedis(client.sendCommand, 'px-usage')
    await client.close()
    return checks
  }

  it('a server as the README asks for has no fault', async () => {
    expect((await check()).map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok', 'ok'])
  })

  it('a user with the permissions of the README has no fault, but may not see them', async () => {
    const checks = await check({ name: 'px', password: 'p' })
    expect(checks.map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok', 'unknown'])
  })

  it('eviction, a missing append-only file and missing permissions are found', async () => {
    await server.command('CONFIG', 'SET', 'maxmemory', '200mb')
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    await server.command('CONFIG', 'SET', 'appendonly', 'no')
    await server.command('ACL', 'SETUSER', 'weak', 'on', '>p', '~px-usage:*', '+@all', '-zadd', '-eval')
    const found = await check({ name: 'weak', password: 'p' })
    expect(found.map(({ verdict, name }) => `${verdict}: ${name}`)).toEqual([
      'ok: Redis',
      'failure: Redis policy',
      'warning: Redis durability',
      'failure: Redis permissions',
    ])
    expect(found[3]?.found).toBe('The user weak may not run eval, zadd on px-usage:*.')
  })
})
