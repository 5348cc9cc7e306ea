import { describe, expect, it } from 'vitest'
import { checkRedis } from '../../../../packages/cli/src/doctor/store/redis-checks.ts'

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
