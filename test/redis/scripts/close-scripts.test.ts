import { describe, expect, it } from 'vitest'
import {
  beat,
  commitDay,
  holdJournal,
  joinFleet,
  noteWriter,
  readClosing,
  readNamespace,
  stageLines,
} from '../../../packages/redis/src/scripts/close-scripts.ts'
import { day } from '../../support/count-batch.ts'
import { redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'

const now = 1_700_000_000_000

describe.skipIf(!hasRedis())('the scripts of a close', () => {
  const redis = redisOfTests()
  const run = redis.connection.run

  const stage = (token: string, before: number, ...lines: string[]) =>
    run(stageLines, [redis.keys.staged(day, token)], [before, 1_000, ...lines])
  const commit = (
    process: string,
    token: string,
    lines: number,
    { before = '', at = now, generation = 0 } = {},
  ) => {
    const { keys } = redis
    const names = [
      keys.lead,
      keys.closed,
      keys.staged(day, token),
      keys.incoming,
      keys.loading(day, 0),
      keys.counts,
      keys.shard(0).generations,
    ]
    const after = `1|${generation}|${token}`
    return run(commitDay, names, [at, process, day, before, after, lines, '2026-01-01', 1_000, generation])
  }
  const lead = (process: string) =>
    redis.server.command('HSET', redis.keys.lead, 'id', process, 'until', now + 1_000)

  it('joinFleet keeps what the first process chose', async () => {
    const join = (shards: number, epoch: string) =>
      run(joinFleet, [redis.keys.meta, redis.keys.alive], [now, 'me', shards, epoch, 1_000])
    expect(await join(4, 'a')).toEqual(['4', 'a', '1'])
    expect(await join(1, 'b')).toEqual(['4', 'a', '1'])
  })

  it('beat renews the lease of its own process only, and returns the epoch and the processes', async () => {
    const { keys } = redis
    const beats = (process: string) =>
      run(beat, [keys.alive, keys.lead, keys.meta], [now, process, 30_000, 1_000])
    await lead('me')
    expect(await beats('other')).toEqual(['', 1])
    expect(await redis.server.command('HGET', keys.lead, 'until')).toBe(String(now + 1_000))
    await run(joinFleet, [keys.meta, keys.alive], [now, 'me', 1, 'epoch', 1_000])
    expect(await beats('me')).toEqual(['epoch', 2])
    expect(await redis.server.command('HGET', keys.lead, 'until')).toBe(String(now + 30_000))
  })

  it('noteWriter does not reopen a day that a process is done with', async () => {
    const { keys } = redis
    for (const state of ['open', 'sealed', 'open'])
      await run(noteWriter, [keys.writers(day)], ['me', state, 1_000])
    const names = [keys.closed, keys.writers(day), keys.alive]
    expect(await run(readClosing, names, [now, day])).toEqual([now, '', ['me', 'sealed', '']])
  })

  it('the time of Redis decides where no other is given', async () => {
    const { keys } = redis
    const [time] = (await run(readClosing, [keys.closed, keys.writers(day), keys.alive], ['', day])) as [
      number,
    ]
    expect(Math.abs(time - Date.now())).toBeLessThan(5_000)
  })

  it('stageLines appends each part once', async () => {
    expect(await stage('t', 0, 'a', 'b')).toBe(2)
    expect(await stage('t', 0, 'a', 'b')).toBe(2)
    expect(await stage('t', 2, 'c')).toBe(3)
    expect(await redis.server.command('LRANGE', redis.keys.staged(day, 't'), 0, -1)).toEqual(['a', 'b', 'c'])
  })

  describe('commitDay', () => {
    it('closes a day once, also when its reply is lost', async () => {
      await lead('me')
      await stage('t', 0, 'a', 'b')
      await stage('late', 0, 'a', 'b')
      expect(await commit('me', 't', 2)).toBe('OK')
      expect(await commit('me', 't', 2)).toBe('OK')
      expect(await commit('me', 'late', 2)).toBe('LOST')
      expect(await redis.server.command('HGET', redis.keys.counts, 'open')).toBe('2')
      expect(await redis.server.command('LRANGE', redis.keys.loading(day, 0), 0, -1)).toEqual(['a', 'b'])
    })

    it('refuses a process that lost the lease, or whose lease is over', async () => {
      await stage('t', 0, 'a')
      await lead('other')
      expect(await commit('me', 't', 1)).toBe('LOST')
      await lead('me')
      expect(await commit('me', 't', 1, { at: now + 1_001 })).toBe('LOST')
      expect(await redis.server.command('EXISTS', redis.keys.closed)).toBe(0)
    })

    it('refuses counts of which a failover lost that they were set aside', async () => {
      await lead('me')
      await stage('t', 0, 'a')
      expect(await commit('me', 't', 1, { generation: 1 })).toBe('LOST')
      await redis.server.command('HSET', redis.keys.shard(0).generations, day, 1)
      expect(await commit('me', 't', 1, { generation: 1 })).toBe('OK')
    })

    it('refuses lines that are not all there', async () => {
      await lead('me')
      await stage('t', 0, 'a')
      expect(await commit('me', 't', 2)).toBe('LOST')
    })
  })

  it('readNamespace sees a process that counts, and none that only sends leftovers', async () => {
    const { keys } = redis
    const read = (at: number) => run(readNamespace, [keys.alive, keys.counts], [at, 1_000])
    await run(joinFleet, [keys.meta, keys.alive], [now, 'leftover-1', 1, 'a', 1_000])
    expect(await read(now)).toEqual([0, 0])
    await run(joinFleet, [keys.meta, keys.alive], [now, 'me', 1, 'a', 1_000])
    expect(await read(now + 999)).toEqual([1, 0])
    expect(await read(now + 1_001)).toEqual([0, 0])
  })

  it('holdJournal gives a journal to one process, until its time is over or that process is dead', async () => {
    const hold = (process: string, dead = '') =>
      run(holdJournal, [redis.keys.holder('journal')], [process, 60_000, dead])
    expect(await hold('one')).toBe('one')
    expect(await hold('two')).toBe('one')
    expect(await hold('one')).toBe('one')
    expect(await hold('two', 'one')).toBe('two')
    await redis.server.command('DEL', redis.keys.holder('journal'))
    expect(await hold('one')).toBe('one')
  })
})
