import { createClient } from '@redis/client'
import { failedError } from '../exit-codes.ts'

export interface RedisConnection {
  sendCommand(args: string[]): Promise<unknown>
  close(): Promise<void>
}

/** How long a connection is awaited, 5000 ms (5 seconds). */
const connectTimeoutMs = 5_000

/** Connects to Redis. @throws {CommandError} with exit code 3, without the password of the address, if it cannot be reached */
export async function connectRedis(url: string): Promise<RedisConnection> {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    socket: { reconnectStrategy: false, connectTimeout: connectTimeoutMs },
  })
  // Every failure also rejects the command that it concerns.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    const { host } = new URL(url)
    throw failedError(`Redis at ${host} cannot be reached: ${(error as Error).message}`, error)
  }
  return {
    sendCommand: (args) => client.sendCommand(args),
    async close() {
      client.destroy()
    },
  }
}
