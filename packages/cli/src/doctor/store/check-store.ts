import { readFolder } from '@px-usage/core/adapter'
import { readRedis } from '@px-usage/redis'
import { connectRedis, type RedisConnection } from '../../place/connect-redis.ts'
import type { Settings } from '../../settings.ts'
import { type Check, unknown } from '../check.ts'
import { checkFolder } from './folder-checks.ts'
import { readFolderFacts } from './folder-facts.ts'
import { checkRedis, unreachable } from './redis-checks.ts'
import { checkCluster, worstOfNodes } from './redis-cluster.ts'
import { checkStoreSenders, storeSendersName } from './store-senders.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Checks the folder or the Redis of the settings. */
export async function checkStore(
  place: Settings['place'],
  env: Env,
): Promise<{ area: string; checks: Check[] }> {
  if (place.kind === 'redis') {
    return { area: `Redis at ${new URL(place.url).host}`, checks: await checkRedisPlace(place) }
  }
  const facts = readFolderFacts(place.dir, { env })
  const checks = checkFolder(facts)
  if (facts.owner !== undefined) checks.push(await sendersOf(async () => readFolder(place.dir)))
  return { area: `Folder ${place.dir}`, checks }
}

async function checkRedisPlace({ url, keyPrefix }: { url: string; keyPrefix: string }): Promise<Check[]> {
  let redis: RedisConnection
  try {
    redis = await connectRedis(url)
  } catch (error) {
    const { cause, message } = error as Error
    return [unreachable(cause instanceof Error ? cause.message : message)]
  }
  try {
    const { nodes, isCluster, sendCommand } = redis
    const ofNodes = await Promise.all(
      nodes.map(async ({ name, send }) => ({ name, checks: await checkRedis(send, keyPrefix) })),
    )
    const senders = await sendersOf(() => readRedis({ sendCommand, keyPrefix }))
    return [...worstOfNodes(ofNodes), ...(isCluster ? [await checkCluster(redis)] : []), senders]
  } finally {
    await redis.close()
  }
}

async function sendersOf(open: () => Promise<Parameters<typeof checkStoreSenders>[0]>): Promise<Check> {
  try {
    return await checkStoreSenders(await open())
  } catch (error) {
    return unknown(
      storeSendersName,
      (error as Error).message.replace(/ See https:\S+$/, '').replace(/\.$/, ''),
    )
  }
}
