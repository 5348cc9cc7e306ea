import { fakeClock } from '@px-usage/core/testing'
import { readRedis } from '@px-usage/redis'
import { describe, expect, it } from 'vitest'
import { batches, day, oneLinePerUser } from '../support/count-batch.ts'
import { openFleetStore, redisOfTests } from '../support/redis-fleet.ts'
import { hasRedis } from '../support/redis-server.ts'

/*
 * One process asked which days have counts while another one set the counts of a day aside, and looked for them in each place when they
 * were in the other one. With `zeroFill`, it took the day for one without calls: a user had an event with 0 beside the one with the calls.
 */
describe.skipIf(!hasRedis())('a day whose counts another process sets aside', () => {
  const redis = redisOfTests()
  const clock = () => fakeClock('2026-11-23T10:00:00Z')

  /** Opens a store with counts, which sets them aside when asked to, and does not get further before its end. */
  async function otherProcess() {
    const { store } = await openFleetStore(redis, { clock: clock(), shards: 2 })
    await store.add(batches()({ ada: 1, bob: 2, cid: 3 }))
    await store.seal(day)
    let goOn = () => {}
    const mayGoOn = new Promise<void>((resolve) => {
      goOn = resolve
    })
    let closing: Promise<unknown> = Promise.resolve()
    const setAside = () =>
      new Promise<void>((resolve) => {
        closing = store.closeDay(day, async function* (totals, revision) {
          resolve()
          await mayGoOn
          yield* oneLinePerUser()(totals, revision)
        })
      })
    const end = async () => {
      goOn()
      await closing
      await store.close()
    }
    return { setAside, end }
  }

  /** Sends commands to Redis, and does something behind one of those that come from now on. */
  function interrupted(task: () => Promise<void>) {
    let left = Number.POSITIVE_INFINITY
    return {
      prefix: redis.prefix,
      async sendCommand(args: string[], key: string) {
        const reply = await redis.sendCommand(args, key)
        left -= 1
        if (left === 0) await task()
        return reply
      },
      behind(nth: number) {
        left = nth
      },
    }
  }

  const moments = Array.from({ length: 10 }, (_, at) => at + 1)

  it.each(moments)('is open for a process of the fleet, also behind its command %i', async (moment) => {
    const other = await otherProcess()
    const commands = interrupted(other.setAside)
    const { store } = await openFleetStore(commands, { clock: clock() })
    commands.behind(moment)
    expect(await store.openDays()).toEqual([day])
    commands.behind(Number.POSITIVE_INFINITY)
    await other.end()
    await store.close()
  })

  it.each(moments)('is open for the command line, also behind its command %i', async (moment) => {
    const other = await otherProcess()
    const commands = interrupted(other.setAside)
    const [reader] = await readRedis({ keyPrefix: commands.prefix, sendCommand: commands.sendCommand })
    commands.behind(moment)
    expect((await reader?.openDays())?.map((open) => open.day)).toEqual([day])
    await other.end()
  })
})
