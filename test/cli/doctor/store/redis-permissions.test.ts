import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import {
  checkPermissions,
  neededCommands,
} from '../../../../packages/cli/src/doctor/store/redis-permissions.ts'
import { connectClient } from '../../../support/redis-clients.ts'
import { hasRedis, type RedisServer, startRedis } from '../../../support/redis-server.ts'

const readme = readFileSync(join(import.meta.dirname, '../../../../packages/redis/README.md'), 'utf8')

test('the commands are those that the README of @px-usage/redis lists', () => {
  const [, rules = ''] = /^ACL SETUSER .*? -@all (.*)$/m.exec(readme) ?? []
  expect(neededCommands).toEqual(rules.split(' ').map((rule) => rule.replace('+', '')))
})

describe.runIf(hasRedis())('with a redis-server', () => {
  const [, rules = ''] = /^ACL SETUSER px-usage on >password (.*)$/m.exec(readme) ?? []
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  async function check(given: string) {
    await server.command('ACL', 'SETUSER', 'px', 'reset', 'on', '>p', ...given.split(' '))
    const client = await connectClient('ioredis', { port: server.port, user: { name: 'px', password: 'p' } })
    const { verdict, found } = await checkPermissions(client.sendCommand, 'px-usage')
    await client.close()
    expect(await server.command('KEYS', '*')).toEqual([])
    return `${verdict}: ${found}`
  }

  it('the user of the README may run all, which is tried because the user may not see it', async () => {
    expect(await check(rules)).toBe('ok: The user of Redis may run each command that px-usage needs.')
  })

  it.each([
    ['+@all', '-zadd', 'failure: The user px may not run zadd on px-usage:*.'],
    ['', '-zadd -hsetnx', 'failure: The user of Redis may not run hsetnx, zadd on px-usage:*.'],
    ['', '-del', 'failure: The user of Redis may not run del on px-usage:*.'],
    ['', '-del -unlink', 'failure: The user of Redis may not run del, unlink on px-usage:*.'],
    ['', '-info', 'failure: The user of Redis may not run info on px-usage:*.'],
    ['', '-eval', 'failure: The user of Redis may not run eval on px-usage:*.'],
  ])('%s %s: %s', async (more, less, expected) => {
    expect(await check([rules, more, less].filter((rule) => rule !== '').join(' '))).toBe(expected)
  })

  it('a user with another prefix may run nothing there', async () => {
    expect(await check(rules.replace('~px-usage:*', '~other:*'))).toMatch(
      /^failure: The user of Redis may not run eval/,
    )
  })
})
