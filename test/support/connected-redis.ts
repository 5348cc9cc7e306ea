import { createClient } from 'redis'

/** A client of the Redis of the tests. */
export const redis = createClient({ url: process.env.REDIS_URL ?? '' })
await redis.connect()

export function sendCommand(args: string[]): Promise<unknown> {
  return redis.sendCommand(args)
}
