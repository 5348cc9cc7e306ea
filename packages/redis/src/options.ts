import { invalid, refuseUnknown } from '@px-usage/core/adapter'

/**
 * Sends one command to Redis and resolves to its reply, as the client of your app does it.
 *
 * @param args the command and its arguments, such as `['GET', 'key']`
 * @param key a key of the command, from which the client of a cluster finds the node
 */
export type SendCommand = (args: string[], key: string) => Promise<unknown>

export interface RedisStoreOptions {
  /** Sends a command with the Redis client of your app. */
  sendCommand: SendCommand
  /**
   * What the names of all keys begin with, 1 to 64 letters, digits and `_ . : -`. Nothing else in Redis is touched.
   *
   * @default 'px-usage'
   */
  keyPrefix?: string | undefined
  /**
   * Number of parts, 1 to 64, over which the counts are spread. A Redis Cluster keeps them on several nodes. The first process that
   * uses the prefix decides; later ones follow it.
   *
   * @default 1
   */
  shards?: number | undefined
  /**
   * Folder in which counts wait until Redis has them; created if it is missing. The processes of one host may share it. With it,
   * `kill -9` loses at most the last turn of the event loop, also while Redis is down. Without it, counts wait in memory.
   */
  dir?: string | undefined
  /**
   * The most bytes of delivered events that Redis keeps, compressed, for at most 190 days; the oldest days are removed first. 0 keeps
   * none. `px-usage events`, `audit` and `export` read them.
   *
   * @default 67108864 (64 MiB)
   */
  keepSentBytes?: number | undefined
}

export interface RedisStoreSettings {
  sendCommand: SendCommand
  keyPrefix: string
  shards: number
  dir: string | undefined
  keepSentBytes: number
}

/** The most bytes of delivered events that are kept by default, 67108864 (64 MiB): about 1.2 million events. */
const defaultSentBytes = 67_108_864

const names = ['sendCommand', 'keyPrefix', 'shards', 'dir', 'keepSentBytes']

/** Checks the options of `redisStore()`. @throws {UsageError} `PXU_ERR_OPTIONS_INVALID` or `PXU_ERR_OPTIONS_UNKNOWN` */
export function parseRedisOptions(options: RedisStoreOptions): RedisStoreSettings {
  refuseUnknown(options, names)
  const { sendCommand, keyPrefix = 'px-usage', shards = 1, dir, keepSentBytes = defaultSentBytes } = options
  if (typeof sendCommand !== 'function') {
    throw invalid('sendCommand', sendCommand, 'Give a function that sends a command with your client.')
  }
  if (typeof keyPrefix !== 'string' || !/^[\w.:-]{1,64}$/.test(keyPrefix)) {
    throw invalid('keyPrefix', keyPrefix, 'Give 1 to 64 letters, digits and _ . : -.')
  }
  if (!Number.isInteger(shards) || shards < 1 || shards > 64) {
    throw invalid('shards', shards, 'Give a whole number from 1 to 64.')
  }
  if (dir !== undefined && (typeof dir !== 'string' || dir === '')) {
    throw invalid('dir', dir, 'Give the path of a folder.')
  }
  if (!Number.isSafeInteger(keepSentBytes) || keepSentBytes < 0) {
    throw invalid('keepSentBytes', keepSentBytes, 'Give a whole number of bytes, 0 to keep none.')
  }
  return { sendCommand, keyPrefix, shards, dir, keepSentBytes }
}
