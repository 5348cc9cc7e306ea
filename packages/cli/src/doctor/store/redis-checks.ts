import { type Check, failure, ok, unknown, warning } from '../check.ts'
import {
  aclCure,
  checkPermissions,
  messageOf,
  permissionsName,
  type RedisCommand,
} from './redis-permissions.ts'

const redisNames = {
  reach: 'Redis',
  policy: 'Redis policy',
  durable: 'Redis durability',
}

/** Checks a server of Redis: reach, policy, durability and the permissions of the user. */
export async function checkRedis(send: RedisCommand, keyPrefix: string): Promise<Check[]> {
  const { reach, policy, durable } = redisNames
  try {
    await send(['TIME'])
  } catch (error) {
    return [unreachable(messageOf(error))]
  }
  const info = await infoOf(send)
  const checks = info === undefined ? [ok(reach, 'Redis responds.')] : [checkServer(info)]
  if (info === undefined) {
    const why = 'the user of Redis may not run INFO'
    checks.push(unknown(policy, why), unknown(durable, why))
  } else checks.push(checkPolicy(info), checkDurability(info))
  if (info?.get('role') === 'slave') return checks
  return [...checks, await checkPermissions(send, keyPrefix)]
}

/** Judges the error with which a connection or the first command failed. */
export function unreachable(message: string): Check {
  if (/NOPERM/.test(message)) {
    return failure(permissionsName, `The user of Redis may not run TIME: ${message}`, aclCure)
  }
  const cure = /NOAUTH|WRONGPASS/.test(message)
    ? 'Give the user and the password in the address: redis://user:password@host:6379.'
    : 'Check the address in --redis (PX_USAGE_REDIS), the network and the Redis server.'
  return failure(redisNames.reach, `Redis does not respond: ${message}`, cure)
}

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
