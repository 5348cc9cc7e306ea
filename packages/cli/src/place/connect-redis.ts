import { createClient, createCluster } from '@redis/client'
import { failedError } from '../exit-codes.ts'

export interface RedisConnection {
  /** @param key a key of the command, by which the node of a cluster is found */
  sendCommand(args: string[], key?: string): Promise<unknown>
  /** The server, or the primaries of a cluster. */
  readonly nodes: readonly RedisNode[]
  readonly isCluster: boolean
  close(): Promise<void>
}

/** One server of Redis. */
interface RedisNode {
  /** Host and port. */
  readonly name: string
  send(args: string[]): Promise<unknown>
}

/** How long a connection is awaited, 5000 ms (5 seconds). */
const connectTimeoutMs = 5_000

/**
 * Connects to Redis. If the server is part of a cluster, it connects to all primaries.
 *
 * @throws {CommandError} with exit code 3, without the password of the address, if it cannot be reached
 */
export async function connectRedis(url: string): Promise<RedisConnection> {
  const options = {
    disableOfflineQueue: true,
    socket: { reconnectStrategy: false, connectTimeout: connectTimeoutMs },
  } as const
  const client = createClient({ url, ...options })
  // Every failure also rejects the command that it concerns.
  client.on('error', () => {})
  const { host } = new URL(url)
  try {
    await client.connect()
  } catch (error) {
    throw failedError(`Redis at ${host} cannot be reached: ${(error as Error).message}`, error)
  }
  if (await isInCluster(client)) {
    client.destroy()
    return connectCluster(url, options)
  }
  const send = (args: string[]) => client.sendCommand(args)
  return {
    sendCommand: send,
    nodes: [{ name: host, send }],
    isCluster: false,
    async close() {
      client.destroy()
    },
  }
}

async function connectCluster(url: string, options: object): Promise<RedisConnection> {
  const { username, password, protocol, host } = new URL(url)
  const login = {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  }
  const { socket } = options as { socket: object }
  const cluster = createCluster({
    rootNodes: [{ url, ...options }],
    defaults: {
      ...options,
      ...login,
      socket: { ...socket, ...(protocol === 'rediss:' ? { tls: true } : {}) },
    },
  })
  cluster.on('error', () => {})
  try {
    await cluster.connect()
    const nodes = await Promise.all(
      cluster.masters.map(async (master) => {
        const client = await cluster.nodeClient(master)
        return { name: master.address, send: (args: string[]) => client.sendCommand(args) }
      }),
    )
    return {
      sendCommand: (args, key) => cluster.sendCommand(key, false, args),
      nodes,
      isCluster: true,
      async close() {
        cluster.destroy()
      },
    }
  } catch (error) {
    throw failedError(`The Redis Cluster at ${host} cannot be reached: ${(error as Error).message}`, error)
  }
}

/** A user who may not run INFO is taken for one of a single server. */
async function isInCluster(client: { sendCommand(args: string[]): Promise<unknown> }): Promise<boolean> {
  const info = await client.sendCommand(['INFO', 'cluster']).catch(() => '')
  return /^cluster_enabled:1\b/m.test(String(info))
}
