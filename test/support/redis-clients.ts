import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'

/** Sends one command and resolves to its reply. In a cluster the key says which node the command belongs to. */
type SendCommand = (args: readonly string[], key?: string) => Promise<unknown>

export interface ConnectedClient {
  readonly sendCommand: SendCommand
  close(): Promise<void>
}

export interface RedisAddress {
  /** One port, or those of the nodes of a cluster. */
  readonly port: number | readonly number[]
  readonly user?: { readonly name: string; readonly password: string }
}

export type ClientName = 'node-redis' | 'ioredis'
export const clientNames: readonly ClientName[] = ['node-redis', 'ioredis']

/**
 * Connects a client that keeps no commands for a server that is down. It has no timeout of its own, so that a test of a hanging server
 * shows the timeout of px-usage: that of node-redis ends only commands that it has not yet written to its socket.
 */
export function connectClient(name: ClientName, address: RedisAddress): Promise<ConnectedClient> {
  return name === 'ioredis' ? connectIoredis(address) : connectNodeRedis(address)
}

async function connectIoredis({ port, user }: RedisAddress): Promise<ConnectedClient> {
  const options = {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: () => 50,
    lazyConnect: true,
    ...(user === undefined ? {} : { username: user.name, password: user.password }),
  }
  const client =
    typeof port === 'number'
      ? new Redis({ ...options, port })
      : new Cluster(
          port.map((node) => ({ host: '127.0.0.1', port: node })),
          {
            lazyConnect: true,
            enableOfflineQueue: false,
            clusterRetryStrategy: () => 50,
            redisOptions: options,
          },
        )
  client.on('error', () => {})
  await client.connect()
  return {
    sendCommand: ([command = '', ...args]) => client.call(command, ...args),
    close: async () => client.disconnect(),
  }
}

async function connectNodeRedis({ port, user }: RedisAddress): Promise<ConnectedClient> {
  const login = user === undefined ? {} : { username: user.name, password: user.password }
  const socket = { reconnectStrategy: () => 50, connectTimeout: 2_000 }
  const options = { ...login, disableOfflineQueue: true }
  if (typeof port === 'number') {
    const client = createClient({ ...options, socket: { ...socket, host: '127.0.0.1', port } })
    client.on('error', () => {})
    await client.connect()
    return {
      sendCommand: (args) => client.sendCommand(args),
      close: async () => client.destroy(),
    }
  }
  const cluster = createCluster({
    rootNodes: port.map((node) => ({ url: `redis://127.0.0.1:${node}` })),
    defaults: { ...options, socket },
  })
  cluster.on('error', () => {})
  await cluster.connect()
  return {
    sendCommand: (args, key) => cluster.sendCommand(key, false, [...args]),
    close: async () => cluster.destroy(),
  }
}
