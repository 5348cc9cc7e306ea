import { type Check, failure, ok, unknown, warning } from './check.ts'

const redisNames = {
  reach: 'Redis',
  policy: 'Redis policy',
  durable: 'Redis durability',
  permissions: 'Redis permissions',
}

/** Sends one command to Redis. It rejects with the error reply. */
export type RedisCommand = (args: string[]) => Promise<unknown>

/** The commands that the Redis store runs; the README of @px-usage/redis lists the same. */
export const neededCommands =
  'eval evalsha info time del unlink exists expire rename get set hdel hexists hget hgetall hincrby hkeys hlen hmget hscan hset hsetnx lindex llen lrange lrem ltrim rpush sadd smembers srem zadd zcard zcount zrange zrangebylex zrangebyscore zrem zremrangebyrank zremrangebyscore zscore'.split(
    ' ',
  )

/** Checks the Redis of a fleet: reach, policy, durability and the permissions of its user. It changes nothing. */
export async function checkRedis(send: RedisCommand, keyPrefix: string): Promise<Check[]> {
  const { reach, policy, durable, permissions } = redisNames
  try {
    await send(['TIME'])
  } catch (error) {
    const message = messageOf(error)
    const cure = /NOAUTH|WRONGPASS/.test(message)
      ? 'Give the user and the password in the address: redis://user:password@host:6379.'
      : 'Check the address in --redis (PX_USAGE_REDIS), the network and the Redis server.'
    if (/NOPERM/.test(message))
      return [failure(permissions, `The user of Redis may not run TIME: ${message}`, aclCure)]
    return [failure(reach, `Redis does not respond: ${message}`, cure)]
  }
  const info = await infoOf(send)
  const checks = info === undefined ? [ok(reach, 'Redis responds.')] : [checkServer(info)]
  if (info === undefined) {
    const why = 'the user of Redis may not run INFO'
    checks.push(unknown(policy, why), unknown(durable, why))
  } else checks.push(checkPolicy(info), checkDurability(info))
  return [...checks, await checkPermissions(send, keyPrefix)]
}

const aclCure = 'Give the user the commands that the README of @px-usage/redis lists.'

async function infoOf(send: RedisCommand): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const text = String(await send(['INFO']))
    return new Map(
      [...text.matchAll(/^(\w+):([^\r\n]*)/gm)].map(([, name = '', value = '']) => [name, value]),
    )
  } catch {
    return undefined
  }
}

function checkServer(info: ReadonlyMap<string, string>): Check {
  const version = info.get('redis_version') ?? 'of an unknown version'
  if (info.get('role') === 'slave') {
    return failure(
      redisNames.reach,
      'This Redis is a replica, which takes no writes.',
      'Give the address of the primary.',
    )
  }
  return ok(redisNames.reach, `Redis ${version} responds.`)
}

function checkPolicy(info: ReadonlyMap<string, string>): Check {
  const policy = info.get('maxmemory_policy')
  const limit = Number(info.get('maxmemory') ?? 0)
  const used = Number(info.get('used_memory') ?? 0)
  if (policy === undefined) return unknown(redisNames.policy, 'INFO shows no maxmemory_policy')
  if (policy !== 'noeviction' && limit > 0) {
    return failure(
      redisNames.policy,
      `maxmemory-policy is ${policy}: when its memory is full, Redis removes counts and unsent events.`,
      'Set maxmemory-policy to noeviction, or give px-usage a Redis of its own.',
    )
  }
  if (policy !== 'noeviction') {
    return warning(
      redisNames.policy,
      `maxmemory-policy is ${policy}. It does nothing until maxmemory is set.`,
      'Set maxmemory-policy to noeviction.',
    )
  }
  if (limit > 0 && used > 0.9 * limit) {
    const share = Math.round((used / limit) * 100)
    return warning(
      redisNames.policy,
      `${share} % of maxmemory are used. When it is full, counts wait in the memory of each process.`,
      'Give Redis more memory.',
    )
  }
  return ok(redisNames.policy, 'noeviction: Redis removes no key by itself.')
}

function checkDurability(info: ReadonlyMap<string, string>): Check {
  const name = redisNames.durable
  if (info.get('aof_enabled') === '1') {
    if (info.get('aof_last_write_status') === 'err') {
      return failure(name, 'Redis cannot write its append-only file.', 'Check the disk of Redis.')
    }
    return ok(name, 'appendonly is on.')
  }
  if (info.get('aof_enabled') === undefined) return unknown(name, 'INFO shows no aof_enabled')
  return warning(
    name,
    'appendonly is off: a restart of Redis loses what came after its last snapshot. Each process sends its last 5 minutes again.',
    'Set appendonly yes.',
  )
}

async function checkPermissions(send: RedisCommand, keyPrefix: string): Promise<Check> {
  const name = redisNames.permissions
  try {
    const user = String(await send(['ACL', 'WHOAMI']))
    const denied: string[] = []
    for (const command of neededCommands) {
      const reply = String(await send(['ACL', 'DRYRUN', user, ...sample(command, `${keyPrefix}:doctor`)]))
      if (reply !== 'OK') denied.push(command)
    }
    if (denied.length === 0) return ok(name, `The user ${user} may run each command that px-usage needs.`)
    return failure(name, `The user ${user} may not run ${denied.join(', ')} on ${keyPrefix}:*.`, aclCure)
  } catch (error) {
    return unknown(name, `Redis does not show them (${messageOf(error).replace(/\.$/, '')})`)
  }
}

/** Returns a command with as many arguments as Redis requires before it judges the permission. Nothing is executed. */
function sample(command: string, key: string): string[] {
  switch (command) {
    case 'info':
    case 'time':
      return [command]
    case 'eval':
    case 'evalsha':
      return [command, 'return 1', '1', key]
    case 'rename':
      return [command, key, `${key}-2`]
    default:
      return [command, key, ...(argumentsOf[command] ?? [])]
  }
}

const argumentsOf: Readonly<Record<string, readonly string[]>> = {
  expire: ['1'],
  set: ['1'],
  hdel: ['f'],
  hexists: ['f'],
  hget: ['f'],
  hincrby: ['f', '1'],
  hmget: ['f'],
  hscan: ['0'],
  hset: ['f', '1'],
  hsetnx: ['f', '1'],
  lindex: ['0'],
  lrange: ['0', '0'],
  lrem: ['0', 'v'],
  ltrim: ['0', '0'],
  rpush: ['v'],
  sadd: ['m'],
  srem: ['m'],
  zadd: ['1', 'm'],
  zcount: ['0', '0'],
  zrange: ['0', '0'],
  zrangebylex: ['-', '+'],
  zrangebyscore: ['0', '0'],
  zrem: ['m'],
  zremrangebyrank: ['0', '0'],
  zremrangebyscore: ['0', '0'],
  zscore: ['m'],
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
