import { systemClock } from '@px-usage/core/adapter'
import { createConnection } from '../connection.ts'
import { createKeyNames, namespacesKey } from '../key-names.ts'
import { parseRedisOptions, type RedisStoreOptions } from '../options.ts'
import { createRedisReader, type RedisReader } from './redis-reader.ts'

/**
 * Returns a reader for each namespace of a prefix. It sends only commands that read, so it may be used while a fleet uses the prefix.
 *
 * @throws {UsageError} `PXU_ERR_STORE_UNAVAILABLE` if Redis fails, and `PXU_ERR_OPTIONS_...` for an invalid option
 */
export async function readRedis(options: Omit<RedisStoreOptions, 'shards'>): Promise<RedisReader[]> {
  const { sendCommand, keyPrefix } = parseRedisOptions(options)
  const connection = createConnection(sendCommand, { elapsed: systemClock.elapsed, onOutage() {} })
  const key = namespacesKey(keyPrefix)
  const texts = (await connection.read(['SMEMBERS', key], key)) as string[]
  const readers: RedisReader[] = []
  for (const text of [...texts].sort()) {
    const [product = '', destination = '', timeZone = 'UTC'] = text.split('@')
    const keys = createKeyNames(keyPrefix, text)
    const shards = Number((await connection.read(['HGET', keys.meta, 'shards'], keys.meta)) ?? 0)
    const namespace = { product, destination, timeZone }
    readers.push(createRedisReader({ connection, keys, shards, place: keyPrefix, namespace }))
  }
  return readers
}
