import { describe, expect, it } from 'vitest'
import { encodeLine } from '../../../packages/redis/src/redis-outbox.ts'
import {
  claimLines,
  holdLead,
  leaveFleet,
  loadLines,
  markLines,
  putLines,
  readCounts,
  readWaiting,
  yieldLead,
} from '../../../packages/redis/src/scripts/outbox-scripts.ts'
import type { Script } from '../../../packages/redis/src/scripts/script.ts'
import { settleLines } from '../../../packages/redis/src/scripts/settle-scripts.ts'
import { day, line } from '../../support/count-batch.ts'
import { redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'

const start = 1_700_000_000_000
const claimMs = 300_000
const leaseMs = 30_000

describe.skipIf(!hasRedis())('the scripts of the outbox', () => {
  const redis = redisOfTests()

  /** A process, whose clock shows `start` unless the test says otherwise. */
  function process(me: string) {
    let claims = 0
    let operations = 0
    const run = (script: Script, args: (string | number)[], at = start, more: string[] = []) =>
      redis.connection.run(script, [...redis.keys.outbox, ...more], [at, me, ...args])
    const ids = (names: string[]) => names.map((name) => JSON.stringify(name))
    return {
      run,
      put: (...names: string[]) => run(putLines, [100, ...names.map((name) => encodeLine(line(name)))]),
      claim: async (limit = 9, { at = start, wish = 'send', number = ++claims } = {}) => {
        const reply = (await run(claimLines, [wish, leaseMs, limit, claimMs, number], at)) as unknown[]
        const lines = (reply[3] ?? []) as [string, ...unknown[]][]
        return reply[0] === 'OK' ? lines.map(([json]) => JSON.parse(json).id) : reply[0]
      },
      mark: (names: string[], { at = start, operation = ++operations } = {}) =>
        run(markLines, [operation, 7, claimMs, ...ids(names)], at),
      settle: async (
        name: string,
        state: string,
        { wait = 0, at = start, operation = ++operations } = {},
      ) => {
        const refusal = state === 'rejected' ? '{"reason":"bad"}' : ''
        const args = [operation, 0, day, 60, JSON.stringify(name), state, wait, refusal]
        const reply = await run(settleLines, args, at, [redis.keys.sent, redis.keys.sentIndex])
        return (reply as unknown[]).slice(0, 2)
      },
      leave: (...names: string[]) => run(leaveFleet, ids(names), start, [redis.keys.alive]),
      counts: () => run(readCounts, []),
    }
  }
  const me = process('me')
  const other = process('other')

  it('putLines adds a line once, also after its delivery', async () => {
    await me.put('a', 'b', 'a')
    await me.put('a')
    expect(await me.counts()).toEqual([2, 0, 0, 0])
    await me.claim(1)
    await me.settle('a', 'delivered')
    await me.put('a', 'c')
    expect(await me.counts()).toEqual([2, 0, 1, 0])
  })

  it('putLines remembers the ids that were added last', async () => {
    for (const name of ['a', 'b', 'c']) await me.run(putLines, [2, encodeLine(line(name))])
    expect(await redis.server.command('ZRANGE', redis.keys.outbox[7] as string, 0, -1)).toEqual([
      '"b"',
      '"c"',
    ])
  })

  it('loadLines moves the lines of a closed day in parts, and forgets the list when it is empty', async () => {
    const list = redis.keys.loading(day, 0)
    await redis.server.command('RPUSH', list, ...['a', 'b', 'c'].map((id) => encodeLine(line(id))))
    await redis.server.command('RPUSH', redis.keys.incoming, list)
    await redis.server.command('HSET', redis.keys.counts, 'open', 3)
    expect(await me.claim()).toBe('LOAD')
    expect(await me.run(loadLines, [2], start, [list])).toBe(1)
    expect(await me.run(loadLines, [2], start, [list])).toBe(0)
    expect(await me.claim()).toEqual(['a', 'b', 'c'])
    expect(await me.counts()).toEqual([3, 0, 0, 0])
  })

  it('claimLines gives a line to one process, and again when its claim is over', async () => {
    await me.put('a', 'b')
    expect(await me.claim(1)).toEqual(['a'])
    expect(await other.claim()).toBe('OTHER')
    expect(await other.claim(9, { at: start + leaseMs })).toEqual(['b'])
    expect(await other.claim(9, { at: start + claimMs })).toEqual(['a'])
  })

  it('claimLines returns the same lines to a claim that is repeated, without those settled since', async () => {
    await me.put('a', 'b', 'c')
    expect(await me.claim(2, { number: 5 })).toEqual(['a', 'b'])
    expect(await me.claim(2, { number: 5 })).toEqual(['a', 'b'])
    await me.settle('a', 'delivered')
    expect(await me.claim(2, { number: 5 })).toEqual(['b'])
    expect(await me.claim(2, { number: 6 })).toEqual(['c'])
  })

  it('markLines records all attempts or none, and once', async () => {
    await me.put('a', 'b')
    await me.claim(1)
    expect(await me.mark(['a', 'b'])).toEqual(['MISSING', '"b"'])
    expect(await me.counts()).toEqual([2, 0, 0, 0])
    expect(await me.mark(['a'], { operation: 9 })).toEqual(['OK', [2, 1, 0, 0]])
    expect(await me.mark(['a'], { operation: 9 })).toEqual(['OK', [2, 1, 0, 0]])
    const [[, , state]] = (await me.run(readWaiting, ['', 1])) as [[string, string, string]]
    expect(state).toBe('unconfirmed')
    expect(await redis.server.command('HVALS', redis.keys.outbox[2] as string)).toEqual([
      `unconfirmed|1|${start - 7}|me`,
    ])
  })

  it('claimLines returns how long ago a line was attempted, by one clock for all processes', async () => {
    await me.put('a')
    await me.claim()
    await me.mark(['a'])
    const reply = await other.run(claimLines, ['send', leaseMs, 9, claimMs, 1], start + claimMs)
    expect((reply as unknown[][])[3]).toEqual([[expect.any(String), 'unconfirmed', 1, claimMs + 7]])
  })

  it('markLines refuses a process whose line was claimed by another one meanwhile', async () => {
    await me.put('a')
    await me.claim()
    await other.claim(9, { at: start + claimMs })
    expect(await me.mark(['a'], { at: start + claimMs })).toEqual(['MISSING', '"a"'])
  })

  it('settleLines believes a delivery from any process, and all else only from the claimant', async () => {
    await me.put('a', 'b')
    await me.claim()
    await me.mark(['a', 'b'])
    await other.claim(9, { at: start + claimMs })
    expect(await me.settle('a', 'pending')).toEqual(['OK', [2, 2, 0, 0]])
    expect(await me.settle('b', 'delivered')).toEqual(['OK', [1, 1, 1, 0]])
    expect(await other.settle('a', 'rejected')).toEqual(['OK', [0, 0, 1, 1]])
    expect(await redis.server.command('LLEN', redis.keys.rejected)).toBe(1)
  })

  it('settleLines settles once, also when its reply is lost', async () => {
    await me.put('a')
    await me.claim()
    expect(await me.settle('a', 'delivered', { operation: 4 })).toEqual(['OK', [0, 0, 1, 0]])
    expect(await me.settle('a', 'delivered', { operation: 4 })).toEqual(['OK', [0, 0, 1, 0]])
    expect(await me.settle('a', 'delivered', { operation: 5 })).toEqual(['MISSING', '"a"'])
  })

  it('settleLines changes nothing when it is executed after a later operation', async () => {
    await me.put('a')
    await me.claim()
    await me.mark(['a'], { operation: 1 })
    await me.settle('a', 'pending', { operation: 2 })
    await me.claim()
    await me.mark(['a'], { operation: 3 })
    expect(await me.settle('a', 'pending', { operation: 2 })).toEqual(['OK', [1, 1, 0, 0]])
  })

  it('settleLines lets a line wait', async () => {
    await me.put('a')
    await me.claim()
    await me.settle('a', 'pending', { wait: 60_000 })
    expect(await me.claim(9, { at: start + 59_999 })).toEqual([])
    expect(await me.claim(9, { at: start + 60_000 })).toEqual(['a'])
  })

  it('holdLead keeps other processes out until the lease is over', async () => {
    const holds = async (who: typeof me, at: number, wish = 'send') =>
      ((await who.run(holdLead, [wish, leaseMs], at)) as unknown[])[0]
    expect(await holds(me, start)).toBe(1)
    expect(await holds(other, start + leaseMs - 1)).toBe(0)
    expect(await holds(me, start + leaseMs - 1)).toBe(1)
    expect(await holds(other, start + leaseMs)).toBe(0)
    expect(await holds(other, start + 2 * leaseMs, 'none')).toBe(0)
    expect(await holds(other, start + 2 * leaseMs, 'take')).toBe(1)
  })

  it('yieldLead releases the lease only to a process that asked for it lately', async () => {
    await me.claim()
    expect(await me.run(yieldLead, [60_000])).toBe(0)
    await other.claim(9, { wish: 'take' })
    expect(await me.run(yieldLead, [60_000])).toBe(0)
    await other.claim()
    expect(await other.run(yieldLead, [60_000])).toBe(0)
    expect(await me.run(yieldLead, [60_000], start + 60_001)).toBe(0)
    await other.claim()
    expect(await me.run(yieldLead, [60_000])).toBe(1)
    expect(await other.claim()).toEqual([])
  })

  it('leaveFleet releases the lease and the lines of a process', async () => {
    await me.put('a', 'b')
    await me.claim()
    await me.mark(['a'])
    await me.leave('a', 'b', 'ghost')
    expect(await other.claim()).toEqual(['a', 'b'])
    expect(await me.counts()).toEqual([2, 1, 0, 0])
  })
})
