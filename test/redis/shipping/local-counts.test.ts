import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { redisStore } from '@px-usage/redis'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import type { Store } from '../../../packages/core/src/model/store.ts'
import { leadLeaseMs } from '../../../packages/redis/src/membership.ts'
import { redisStoreOn } from '../../../packages/redis/src/redis-store.ts'
import { batches, callsOf, day, oneLinePerUserOnce } from '../../support/count-batch.ts'
import { diskWith, errno, isChange } from '../../support/failing-disk.ts'
import { killable } from '../../support/killable.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'
import { redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'

/** Every step by `npm run soak`. */
const stride = process.env.SOAK_KILLS === undefined ? 7 : 1

let dir: string
const opened: Store[] = []
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-local-'))
})
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close().catch(() => {})
  fs.rmSync(dir, { recursive: true, force: true })
})

const files = () =>
  fs
    .readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => fs.statSync(join(dir, name)).isFile() && /log$|lines$/.test(name))

describe.skipIf(!hasRedis())('counts in a folder', () => {
  const redis = redisOfTests()
  const clock = fakeClock('2026-11-23T10:00:00Z')
  type Send = typeof redis.sendCommand

  async function open({
    disk = realDisk,
    sendCommand = redis.sendCommand,
    isDown = false,
    inDir = dir,
  }: {
    disk?: Disk
    sendCommand?: Send
    isDown?: boolean
    inDir?: string
  } = {}) {
    const { diagnostics, errors, warnings } = recordingDiagnostics()
    const state = { isDown }
    const store = redisStoreOn(disk, {
      async sendCommand(args, key) {
        if (state.isDown) throw new Error('Redis is down')
        return sendCommand(args, key)
      },
      keyPrefix: redis.prefix,
      dir: inDir,
    })
    opened.push(store)
    await store.open({ clock, diagnostics, timeZone: 'UTC' }).catch(() => {})
    return { store, state, errors, warnings }
  }

  it('are on the disk when add returns, and in Redis after a seal', async () => {
    const { store } = await open()
    expect(store.add(batches()({ ada: 2 }))).toBeUndefined()
    expect(files()).toHaveLength(1)
    await store.seal(day)
    expect(await callsOf(store)).toEqual({ ada: 2 })
    expect(store.flushAfterMs).toBe(0)
  })

  it('are gone from the folder after close', async () => {
    const { store } = await open()
    await store.add(batches()({ ada: 2 }))
    await store.close()
    expect(files()).toEqual([])
    expect(await callsOf((await open()).store)).toEqual({ ada: 2 })
  })

  it('wait there while Redis is down, also over a restart, and are sent once', async () => {
    const first = await open({ isDown: true })
    const batch = batches()
    for (const calls of [1, 2, 4]) expect(first.store.add(batch({ ada: calls }))).toBeUndefined()
    await first.store.close()
    const second = await open({ isDown: true })
    second.store.add(batches()({ ada: 8 }))
    await second.store.close()
    const { store } = await open()
    expect(await callsOf(store)).toEqual({ ada: 15 })
  })

  it('of a process that was killed are sent by the next one, and its day need not wait', async () => {
    const dead = killable(redis.sendCommand)
    const { store } = await open(dead)
    const batch = batches()
    await store.add(batch({ ada: 1 }))
    await store.openDays()
    await store.add(batch({ ada: 2 }))
    await dead.kill(store)
    const next = await open()
    expect(await callsOf(next.store)).toEqual({ ada: 3 })
    // The dead process had the lease.
    await clock.advance(leadLeaseMs)
    expect(await next.store.closeDay(day, oneLinePerUserOnce())).toMatchObject({
      outcome: 'closed',
      calls: 3,
    })
  })

  it('of a process that is alive are left to it', async () => {
    const first = await open()
    const second = await open()
    await first.store.add(batches()({ ada: 1 }))
    expect(await callsOf(second.store)).toEqual({})
    expect(await callsOf(first.store)).toEqual({ ada: 1 })
  })

  it('in a copy of the folder are sent only when Redis has not heard of their process for long', async () => {
    const first = await open()
    await first.store.add(batches()({ ada: 1 }))
    const copy = fs.mkdtempSync(join(tmpdir(), 'px-usage-copy-'))
    fs.cpSync(dir, copy, { recursive: true, filter: (path) => !fs.statSync(path).isSocket() })
    const second = await open({ inDir: copy })
    expect(await callsOf(second.store)).toEqual({})
    for (let minute = 0; minute < 6; minute++) {
      await clock.advance(60_000)
      // The living process still shows itself.
      await expect.poll(() => callsOf(first.store)).toEqual({ ada: 1 })
      expect(await callsOf(second.store)).toEqual({ ada: 1 })
    }
    fs.rmSync(copy, { recursive: true })
  })

  it('that come after their day was closed become a revision', async () => {
    const dead = killable(redis.sendCommand)
    const first = await open(dead)
    const batch = batches()
    await first.store.add(batch({ ada: 1 }))
    await first.store.openDays()
    await first.store.add(batch({ ada: 2 }))
    await dead.kill(first.store)
    const elsewhere = await open({ inDir: join(dir, 'elsewhere') })
    await clock.advance(leadLeaseMs)
    expect(await elsewhere.store.closeDay(day, oneLinePerUserOnce(), { force: true })).toMatchObject({
      revision: 0,
      calls: 1,
    })
    const next = await open()
    expect(await next.store.openDays()).toEqual([day])
    expect(await next.store.closeDay(day, oneLinePerUserOnce(), { force: true })).toMatchObject({
      outcome: 'notLeader',
    })
    expect(await elsewhere.store.closeDay(day, oneLinePerUserOnce(), { force: true })).toMatchObject({
      revision: 1,
      calls: 2,
    })
  })

  it('are exact at whichever step their process dies', async () => {
    for (let step = 1, isOver = false; !isOver; step += stride) {
      const dying = killable(redis.sendCommand)
      dying.dieAt(step)
      const user = `user ${step}`
      let counted = 0
      const { store } = await open(dying)
      const batch = batches()
      for (const calls of dying.isDead ? [] : [1, 2, 4]) {
        const taken = await Promise.resolve()
          .then(() => store.add(batch({ [user]: calls })))
          .then(
            () => true,
            () => false,
          )
        if (taken) counted += calls
        if (calls < 4 && !dying.isDead) await store.openDays().catch(() => {})
      }
      if (!dying.isDead) {
        isOver = true
        expect(step).toBeGreaterThan(30)
      }
      await dying.kill(store)
      const next = (await open()).store
      expect((await callsOf(next))[user] ?? 0, `dead at step ${step}`).toBe(counted)
      await next.close()
    }
  })

  it('share the folder with a file store, another prefix and another product', async () => {
    const call = { method: 'GET', route: '/', statusCode: 200, aborted: false, identity: { userId: 'ada' } }
    const stores = ['a', 'b'].map((end) =>
      redisStore({ sendCommand: redis.sendCommand, keyPrefix: `${redis.prefix}:${end}`, dir }),
    )
    const given = [fileStore({ dir }), ...stores]
    const meters = given.map((store) => createMeter({ dryRun: true, store, clock, onError() {} }))
    meters.push(
      createMeter({
        ...{ dryRun: true, productKey: 'AP-OTHERPRODUCT-2', clock, onError() {} },
        store: redisStore({ sendCommand: redis.sendCommand, keyPrefix: `${redis.prefix}:a`, dir }),
      }),
    )
    for (const [at, meter] of meters.entries()) for (let n = 0; n <= at; n++) meter.record(call)
    for (const meter of meters) await meter.flush()
    const seen = await Promise.all(meters.map((meter) => meter.preview()))
    expect(seen.map((events) => events[0]?.attributes.apiCalls)).toEqual([1, 2, 3, 4])
    for (const meter of meters) await meter.close()
  })

  it('go to Redis from memory while the disk is full, and that is reported once', async () => {
    let isFull = false
    const disk = diskWith((call, args) => {
      if (isFull && isChange(call, args)) throw errno('ENOSPC')
    })
    const { store, errors } = await open({ disk })
    const batch = batches()
    await store.add(batch({ ada: 1 }))
    isFull = true
    await store.add(batch({ ada: 2 }))
    await store.add(batch({ ada: 4 }))
    expect(errors.map(({ code }) => code)).toEqual(['PXU_ERR_STORE_UNAVAILABLE'])
    expect(errors[0]?.message).toContain('Free some space')
    expect(store.flushAfterMs).toBe(1_000)
    isFull = false
    await clock.advance(60_000)
    await store.add(batch({ ada: 8 }))
    expect(store.flushAfterMs).toBe(0)
    expect(await callsOf(store)).toEqual({ ada: 15 })
    expect(errors).toHaveLength(1)
  })

  it('go to Redis from memory if the folder cannot be created, until it can', async () => {
    const path = join(dir, 'folder')
    fs.writeFileSync(path, 'a file of the app')
    const { store, errors } = await open({ inDir: path })
    const batch = batches()
    await store.add(batch({ ada: 1 }))
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/folder cannot be used\. The reason: .*only in memory.*every minute/),
    ])
    fs.rmSync(path)
    await clock.advance(60_000)
    await store.add(batch({ ada: 2 }))
    expect(store.flushAfterMs).toBe(0)
    expect(await callsOf(store)).toEqual({ ada: 3 })
    expect(errors).toHaveLength(1)
  })

  it('are exact in every order of counts, kills, outages and restarts', async () => {
    const actions = fc.array(
      fc.record({
        kind: fc.constantFrom('add', 'add', 'add', 'ship', 'kill', 'down', 'up', 'lose replies', 'later'),
        process: fc.nat(1),
        step: fc.nat(40),
      }),
      { minLength: 5, maxLength: 20 },
    )
    let runs = 0
    await fc.assert(
      fc.asyncProperty(actions, async (plan) => {
        runs += 1
        const user = `user ${runs}`
        let mode = 'up'
        const send: Send = async (args, key) => {
          if (mode === 'down') throw new Error('Redis is down')
          const reply = await redis.sendCommand(args, key)
          if (mode === 'lose replies') throw new Error('The connection was closed')
          return reply
        }
        const start = async () => {
          const life = killable(send)
          return { life, batch: batches(), ...(await open(life)) }
        }
        const processes = [await start(), await start()]
        let counted = 0
        for (const [at, { kind, process, step }] of plan.entries()) {
          const running = processes[process] as Awaited<ReturnType<typeof start>>
          if (kind === 'down' || kind === 'up' || kind === 'lose replies') mode = kind
          if (kind === 'later') await clock.advance(60_000)
          if (kind === 'ship') await running.store.openDays().catch(() => {})
          if (kind === 'add') {
            await running.store.add(running.batch({ [user]: at + 1 }))
            counted += at + 1
          }
          if (kind !== 'kill') continue
          // In the middle of what it sends.
          running.life.dieAt(step)
          await running.store.openDays().catch(() => {})
          await running.life.kill(running.store)
          processes[process] = await start()
        }
        mode = 'up'
        await processes[0]?.life.kill(processes[0].store)
        await processes[1]?.store.close()
        const last = (await open()).store
        expect((await callsOf(last))[user] ?? 0).toBe(counted)
        await last.close()
      }),
      { numRuns: process.env.SOAK_KILLS === undefined ? 8 : 200 },
    )
  })
})
