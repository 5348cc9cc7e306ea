import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Disk } from '../../../packages/core/src/files/disk.ts'
import { fileStoreOn } from '../../../packages/core/src/stores/file-store.ts'
import { batches, callsOf, day, oneLinePerUser } from '../../support/count-batch.ts'
import { diskWith, errno, writeShare } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)

describe('a disk that fails', () => {
  test('counts everything once after ENOSPC in the middle of a write', async () => {
    let isFull = false
    const disk = diskWith((call, args) => {
      if (!isFull || call !== 'writeSync') return
      writeShare(args)
      throw errno('ENOSPC')
    })
    const store = await folder.open({}, disk)
    const batch = batches()
    let acknowledged = 0
    for (let call = 0; call < 60; call++) {
      const next = batch({ ada: 1, [`user ${call}`]: 1 })
      isFull = call % 3 === 1
      if (isFull) {
        expect(() => store.add(next)).toThrow(expect.objectContaining({ code: 'PXU_ERR_STORE_UNAVAILABLE' }))
        isFull = false
      }
      await store.add(next)
      acknowledged += 1
    }
    expect((await callsOf(await folder.open({ dir: folder.afterKill() }))).ada).toBe(acknowledged)
    expect(Object.keys(await callsOf(store))).toHaveLength(61)
    expect(folder.told).toContain('store:degraded')
    expect(folder.errors).toEqual([])
  })

  test('a batch written in pieces goes on where it failed', async () => {
    let writes = 0
    const disk = diskWith((call) => {
      if (call !== 'writeSync') return
      writes += 1
      if (writes === 4) throw errno('ENOSPC')
    })
    const store = await folder.open({}, disk)
    writes = 0
    const gained = Object.fromEntries(Array.from({ length: 9_000 }, (_, user) => [`user ${user}`, 1]))
    const batch = batches()(gained)
    await expect(store.add(batch)).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
    await store.add(batch)
    expect(await callsOf(store)).toEqual(gained)
  })

  test('short writes are completed', async () => {
    const disk = {
      ...fs,
      writeSync: ((file: number, bytes: Uint8Array, offset: number, length: number, at: number) =>
        fs.writeSync(file, bytes, offset, Math.min(length, 7), at)) as typeof fs.writeSync,
    }
    const store = await folder.open({}, disk)
    const batch = batches()
    for (let call = 0; call < 9; call++) await store.add(batch({ ada: 1 }))
    expect(await callsOf(store)).toEqual({ ada: 9 })
  })

  test('moves on to a new file after EIO, and reports and retries an EMFILE for that file', async () => {
    let failing: string[] = []
    const disk = diskWith((call, args) => {
      if (failing.includes(call) && args[1] !== 'r') throw errno(call === 'openSync' ? 'EMFILE' : 'EIO')
    })
    const store = await folder.open({}, disk)
    const batch = batches()
    await store.add(batch({ ada: 1 }))
    const next = batch({ ada: 2 })
    failing = ['writeSync', 'ftruncateSync']
    expect(() => store.add(next)).toThrow(/EIO/)
    failing = ['openSync']
    expect(() => store.add(next)).toThrow(/EMFILE/)
    failing = []
    await store.add(next)
    expect(fs.readdirSync(join(folder.dir, 'journals', day))).toHaveLength(2)
    expect(await callsOf(store)).toEqual({ ada: 3 })
  })

  test('reports EROFS, EACCES or ENOTDIR at start, and leaves the counts with the meter', async () => {
    for (const code of ['EROFS', 'EACCES', 'ENOTDIR']) {
      const disk = diskWith((call) => {
        if (call === 'mkdirSync') throw errno(code)
      })
      const store = folder.make({}, disk)
      await expect(folder.openStore(store)).rejects.toMatchObject({
        code: 'PXU_ERR_STORE_UNAVAILABLE',
        message: expect.stringContaining(code),
      })
      await expect((async () => store.add(batches()({ ada: 1 })))()).rejects.toMatchObject({
        code: 'PXU_ERR_STORE_UNAVAILABLE',
      })
    }
  })

  test('writes the journal again with its whole content when the folder is deleted', async () => {
    const store = await folder.open()
    const batch = batches()
    await store.add(batch({ ada: 1, bob: 1 }))
    await store.add(batch({ ada: 1 }))
    fs.rmSync(folder.dir, { recursive: true })
    await store.add(batch({ ada: 1 }))
    // Looked for once a second.
    await folder.clock.advance(1_000)
    await store.add(batch({ ada: 1 }))
    expect(folder.told).toContain('store:degraded')
    expect(await callsOf(await folder.open({ dir: folder.afterKill() }))).toEqual({ ada: 4, bob: 1 })
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 5 })
    expect(store.outboxCounts()).toMatchObject({ closed: 2, pending: 2 })
  })

  test('writes the journal again at close() when the folder was deleted after the last count', async () => {
    const store = await folder.open()
    await store.add(batches()({ ada: 1 }))
    fs.rmSync(folder.dir, { recursive: true })
    await store.close()
    expect(await callsOf(await folder.open())).toEqual({ ada: 1 })
  })

  /** A store whose writes on the event loop take so long, and what it told. */
  async function storeOnSlowDisk() {
    let elapsed = 0
    const state = {
      blockedMs: 0,
      writes: 0,
      held: undefined as Array<() => void> | undefined,
      told: [] as object[],
    }
    const disk = diskWith((call) => {
      if (call !== 'writeSync') return
      state.writes += 1
      elapsed += state.blockedMs
    })
    const write = disk.write as (...args: unknown[]) => void
    const slow: Disk = {
      ...disk,
      write: ((...args: unknown[]) => {
        if (state.held === undefined) write(...args)
        else state.held.push(() => write(...args))
      }) as Disk['write'],
    }
    const store = folder.make({}, slow)
    await store.open({
      clock: { ...folder.clock, elapsed: () => elapsed },
      timeZone: 'UTC',
      diagnostics: { publish: (_, message) => void state.told.push(message), warn() {}, report() {} },
    })
    const pass = (ms: number) => {
      elapsed += ms
    }
    return { store, state, pass }
  }

  test('stalls the event loop once when a write blocks for 5 s, then writes off it for a minute', async () => {
    const { store, state, pass } = await storeOnSlowDisk()
    const batch = batches()
    expect(store.flushAfterMs).toBe(0)
    state.blockedMs = 5_000
    await store.add(batch({ ada: 1 }))
    expect(store.flushAfterMs).toBe(20)
    expect(state.told).toMatchObject([{ reason: 'a write took 5000 ms', writesEachTurn: false }])
    state.writes = 0
    for (let call = 0; call < 10; call++) await store.add(batch({ ada: 1, [`user ${call}`]: 1 }))
    expect(state.writes).toBe(0)
    expect((await callsOf(store)).ada).toBe(11)
    state.blockedMs = 0
    pass(59_000)
    expect(store.flushAfterMs).toBe(20)
    pass(2_000)
    expect(store.flushAfterMs).toBe(0)
    expect(state.told).toMatchObject([{}, { writesEachTurn: true }])
    await store.add(batch({ ada: 1 }))
    expect(state.writes).toBe(1)
    expect((await callsOf(store)).ada).toBe(12)
    await store.close()
  })

  test.each(['seal', 'close'] as const)(
    'waits in %s() for a write off the event loop, so nothing overwrites it',
    async (what) => {
      const { store, state } = await storeOnSlowDisk()
      const batch = batches()
      state.blockedMs = 5_000
      await store.add(batch({ ada: 1 }))
      state.held = []
      const added = store.add(batch({ ada: 1, bob: 1 }))
      const done = what === 'seal' ? store.seal(day) : store.close()
      await new Promise((resolve) => setTimeout(resolve, 20))
      for (const write of state.held.splice(0)) write()
      state.held = undefined
      await Promise.all([added, done])
      const next = await folder.open({ dir: folder.afterKill() })
      expect(await callsOf(next)).toEqual({ ada: 2, bob: 1 })
      expect(await next.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 3 })
      expect(folder.told).toEqual([])
      if (what === 'seal') await store.close()
    },
  )

  test('cuts back a failed write off the event loop and writes it again', async () => {
    let failing = false
    let elapsed = 0
    const clock = { ...folder.clock, elapsed: () => elapsed }
    const disk = diskWith((call, args) => {
      if (call === 'writeSync') elapsed += 5_000
      if (call !== 'write' || !failing) return
      writeShare(args)
      throw errno('ENOSPC')
    })
    const store = folder.make({}, disk)
    await store.open({ clock, timeZone: 'UTC', diagnostics: { publish() {}, warn() {}, report() {} } })
    const batch = batches()
    await store.add(batch({ ada: 1 }))
    const next = batch({ ada: 1, bob: 1 })
    failing = true
    await expect(store.add(next)).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
    failing = false
    await store.add(next)
    expect(await callsOf(await folder.open({ dir: folder.afterKill() }))).toEqual({ ada: 2, bob: 1 })
    await store.close()
  })

  test('goes on in the full file of a journal when EMFILE prevents a new one', async () => {
    let isOut = false
    const disk = diskWith((call, args) => {
      if (isOut && call === 'openSync' && args[1] !== 'r') throw errno('EMFILE')
    })
    const store = await folder.openStore(fileStoreOn(disk, { dir: folder.dir }, 200))
    const batch = batches()
    const files = () => fs.readdirSync(join(folder.dir, 'journals', day)).length
    await store.add(batch({ ada: 1 }))
    isOut = true
    for (let call = 0; call < 100; call++) await store.add(batch({ ada: 1 }))
    expect(files()).toBe(1)
    isOut = false
    await store.add(batch({ ada: 1 }))
    expect(files()).toBe(2)
    expect(await callsOf(store)).toEqual({ ada: 102 })
    expect(folder.errors).toEqual([])
  })

  test('reports EIO of a sync, syncs again and loses nothing', async () => {
    let fails = false
    let synced = 0
    const disk = diskWith((call) => {
      if (call !== 'fdatasync') return
      if (fails) throw errno('EIO')
      synced += 1
    })
    const store = await folder.open({}, disk)
    const batch = batches()
    fails = true
    await store.add(batch({ ada: 1 }))
    await folder.clock.advance(1_000)
    await vi.waitUntil(() => folder.told.includes('store:degraded'))
    fails = false
    synced = 0
    await store.add(batch({ ada: 1 }))
    await folder.clock.advance(1_000)
    await vi.waitUntil(() => synced > 0)
    expect(await callsOf(store)).toEqual({ ada: 2 })
  })
})
