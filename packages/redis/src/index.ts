export { readRedis } from './reading/read-redis.ts'
export type { RedisReader } from './reading/redis-reader.ts'
export { redisStore } from './redis-store.ts'
export type { RedisStoreOptions, SendCommand } from './options.ts'
