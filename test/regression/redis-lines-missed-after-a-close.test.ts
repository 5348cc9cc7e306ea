import { readRedis } from '@px-usage/redis'
import { describe, expect, it } from 'vitest'
import { encodeLine } from '../../packages/redis/src/redis-outbox.ts'
import { loadLines } from '../../packages/redis/src/scripts/outbox-scripts.ts'
import { day, line } from '../support/count-batch.ts'
import { openFleetStore, redisOfTests } from '../support/redis-fleet.ts'
import { hasRedis } from '../support/redis-server.ts'

/** Lines of a day that was closed move from its list into the outbox, 100 at a time. Readers looked there in the wrong order. */
describe.skipIf(!hasRedis())('a reader of a day that was closed a moment ago', () => {
  const redis = redisOfTests()
  const number = 450

  it.each([1, 2, 3, 4, 5, 6, 7])(
    'has each line once, while lines move after its command %i',
    async (moment) => {
      const { store } = await openFleetStore(redis)
      const list = redis.keys.loading(day, 0)
      const lines = Array.from({ length: number }, (_, at) => line(`line ${at}`))
      await redis.server.command('RPUSH', list, ...lines.map(encodeLine))
      await redis.server.command('RPUSH', redis.keys.incoming, list)
      let isReading = false
      let commands = 0
      const [reader] = await readRedis({
        keyPrefix: redis.prefix,
        async sendCommand(args, key) {
          const reply = await redis.sendCommand(args, key)
          if (isReading) commands += 1
          if (isReading && commands === moment) {
            const load = () => redis.connection.run(loadLines, [...redis.keys.outbox, list], ['', 'me', 100])
            // The process that loads the lines has moved some of them, or all.
            for (let call = 0; call < (moment % 2 === 0 ? 2 : 5); call++) await load()
          }
          return reply
        },
      })
      isReading = true
      const ids: string[] = []
      for await (const { id } of reader?.waiting() ?? []) ids.push(id)
      expect([ids.length, new Set(ids).size]).toEqual([number, number])
      await store.close()
    },
  )
})
