import { randomUUID } from 'node:crypto'
import { type Check, failure, ok, unknown } from '../check.ts'

/** Sends one command to Redis. It rejects with the error reply. */
export type RedisCommand = (args: string[]) => Promise<unknown>

export const permissionsName = 'Redis permissions'
export const aclCure = 'Give the user the commands that the README of @px-usage/redis lists.'

/** The commands that the Redis store runs; the README of @px-usage/redis lists the same. */
export const neededCommands =
  'eval evalsha info time del unlink exists expire rename get set hdel hexists hget hgetall hincrby hkeys hlen hmget hscan hset hsetnx lindex llen lrange lrem ltrim rpush sadd smembers srem zadd zcard zcount zrange zrangebylex zrangebyscore zrem zremrangebyrank zremrangebyscore zscore'.split(
    ' ',
  )

/** Checks that the user may run each command on the keys of the prefix. */
export async function checkPermissions(send: RedisCommand, keyPrefix: string): Promise<Check> {
  try {
    const user = String(await send(['ACL', 'WHOAMI']))
    return verdictOf(await deniedByDryRun(send, user, keyPrefix), `The user ${user}`, keyPrefix)
  } catch (error) {
    // A user with no more permissions than px-usage needs may not see them, and Redis before 7 has no dry run.
    if (!isDenied(error) && !/unknown (sub)?command/i.test(messageOf(error))) return notShown(error)
  }
  try {
    return verdictOf(await deniedByTrial(send, keyPrefix), 'The user of Redis', keyPrefix)
  } catch (error) {
    return notShown(error)
  }
}

function verdictOf(denied: readonly string[], user: string, keyPrefix: string): Check {
  if (denied.length === 0) return ok(permissionsName, `${user} may run each command that px-usage needs.`)
  const commands = denied.length === neededCommands.length ? 'any command' : denied.join(', ')
  return failure(permissionsName, `${user} may not run ${commands} on ${keyPrefix}:*.`, aclCure)
}

function notShown(error: unknown): Check {
  return unknown(permissionsName, `Redis does not show them (${messageOf(error).replace(/\.$/, '')})`)
}

async function deniedByDryRun(send: RedisCommand, user: string, keyPrefix: string): Promise<string[]> {
  const denied: string[] = []
  for (const command of neededCommands) {
    const reply = await send(['ACL', 'DRYRUN', user, ...sample(command, `${keyPrefix}:{doctor}`)])
    if (String(reply) !== 'OK') denied.push(command)
  }
  return denied
}

/**
 * Runs each command in one script, on a key that does not exist before and after it. Nothing else can see the key, because Redis
 * runs a script as a whole.
 */
async function deniedByTrial(send: RedisCommand, keyPrefix: string): Promise<string[]> {
  const key = `${keyPrefix}:{doctor}:${randomUUID()}`
  const [direct, inScript] = [directCommands, neededCommands.filter((name) => !directCommands.includes(name))]
  const denied: string[] = []
  for (const command of direct) {
    try {
      await send(sample(command, key))
    } catch (error) {
      if (isDenied(error)) denied.push(command)
      else if (!/NOSCRIPT/.test(messageOf(error))) throw error
    }
  }
  if (denied.includes('eval')) return denied
  const samples = inScript.map((command) => sample(command, key))
  const refused = await send(['EVAL', trial, '2', key, `${key}-2`, JSON.stringify(samples)])
  return [...denied, ...(refused as unknown[]).map(String)]
}

/** What cannot be tried within a script. */
const directCommands: readonly string[] = ['eval', 'evalsha', 'info', 'time']

/** Returns the names of the commands that the user may not run. Without the permission to remove the key it creates none. */
const trial = `
local refused = {}
local function may(sample)
  local reply = redis.pcall(unpack(sample))
  local text = type(reply) == 'table' and reply.err or ''
  return not (string.find(text, 'NOPERM', 1, true) or string.find(text, "can't run this command", 1, true)
    or string.find(text, "can't access at least one of the keys", 1, true))
end
local samples = cjson.decode(ARGV[1])
local mayRemove = may({'del', KEYS[1]}) or may({'unlink', KEYS[1]})
for _, sample in ipairs(samples) do
  if sample[1] == 'del' or sample[1] == 'unlink' or mayRemove then
    if not may(sample) then table.insert(refused, sample[1]) end
    if mayRemove then
      redis.pcall('del', KEYS[1], KEYS[2])
      redis.pcall('unlink', KEYS[1], KEYS[2])
    end
  end
end
return refused
`

function isDenied(error: unknown): boolean {
  return /NOPERM|can't run this command|can't access at least one of the keys/.test(messageOf(error))
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

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
