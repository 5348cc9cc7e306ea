import fs from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { encodeFrame, frameTypes } from '../../../packages/core/src/counting/journal-frames.ts'
import { socketPath } from '../../../packages/core/src/store/owner-socket.ts'
import { batches, callsOf, day, line, oneLinePerUser } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)

/** The one journal file of the day. */
function journal(dir = folder.dir): string {
  const [name, ...others] = fs.readdirSync(join(dir, 'journals', day))
  expect(others).toEqual([])
  return join(dir, 'journals', day, name as string)
}

/** A journal of five batches whose process has died, and where each of its frames ends. */
async function deadJournal(): Promise<{ dir: string; path: string; bytes: Buffer; ends: number[] }> {
  const store = await folder.open()
  const batch = batches()
  const ends: number[] = []
  for (let call = 1; call <= 5; call++) {
    if (call > 1) ends.push(fs.statSync(journal()).size)
    await store.add(batch({ ada: 1 }))
  }
  ends.push(fs.statSync(journal()).size)
  const dir = folder.afterKill()
  const path = journal(dir)
  return { dir, path, bytes: fs.readFileSync(path), ends }
}

describe('a journal whose process was killed', () => {
  test('scenario 12: journal truncated at every byte gives the exact frame prefix', async () => {
    const { dir, path, bytes, ends } = await deadJournal()
    const store = await folder.open({ dir })
    for (let cut = 0; cut < bytes.length; cut++) {
      fs.writeFileSync(path, bytes.subarray(0, cut))
      const calls = ends.filter((end) => end <= cut).length
      expect(await callsOf(store), `cut at ${cut}`).toEqual(calls === 0 ? {} : { ada: calls })
    }
    expect(folder.errors).toEqual([])
    expect(folder.told).toEqual([])
  })

  test('scenario 13: bit flip in a middle frame: the prefix is used, the rest is kept aside and told', async () => {
    const { dir, path, bytes, ends } = await deadJournal()
    const at = (ends[1] as number) + 12
    bytes[at] = (bytes[at] as number) ^ 4
    fs.writeFileSync(path, bytes)
    const store = await folder.open({ dir })
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 2 })
    const [bad, ...others] = fs.readdirSync(join(dir, 'damaged'))
    expect(others).toEqual([])
    expect(fs.readFileSync(join(dir, 'damaged', bad as string))).toEqual(bytes.subarray(ends[1]))
    expect(folder.told).toEqual(['store:quarantined'])
    expect(folder.errors).toMatchObject([{ code: 'PXU_ERR_STORE_UNREADABLE' }])
    expect(await store.openDays()).toEqual([])
  })

  test('a bit flip in the length of a frame does not pass for an unfinished write', async () => {
    const { dir, path, bytes, ends } = await deadJournal()
    bytes.writeUInt32LE(100_000, (ends[1] as number) + 6)
    fs.writeFileSync(path, bytes)
    const store = await folder.open({ dir })
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ calls: 2 })
    expect(folder.told).toEqual(['store:quarantined'])
  })

  test('scenario 11: a tail of zeros after a power cut is no damage and no frames', async () => {
    const { dir, path, bytes, ends } = await deadJournal()
    fs.writeFileSync(path, Buffer.concat([bytes.subarray(0, ends[2]), Buffer.alloc(4_096)]))
    const store = await folder.open({ dir })
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ calls: 3 })
    expect(folder.errors).toEqual([])
  })

  test('frames of an older life of the file that a disk left behind its end are not counted', async () => {
    const { dir, path, bytes, ends } = await deadJournal()
    fs.writeFileSync(path, Buffer.concat([bytes, bytes.subarray(ends[3])]))
    const store = await folder.open({ dir })
    expect(await callsOf(store)).toEqual({ ada: 5 })
  })

  test('scenario 14: journal of a newer format version is not touched, not deleted, and told', async () => {
    const { dir, path, bytes } = await deadJournal()
    const header = JSON.parse(bytes.subarray(10, bytes.indexOf('}') + 1).toString()) as object
    const newer = Buffer.concat([
      encodeFrame(frameTypes.header, Buffer.from(JSON.stringify({ ...header, format: 2 })), 0),
      Buffer.from('what nobody knows yet'),
    ])
    fs.writeFileSync(path, newer)
    const store = await folder.open({ dir })
    await store.add(batches()({ bob: 2 }))
    await store.seal(day)
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 2 })
    expect(fs.readFileSync(path)).toEqual(newer)
    expect(folder.errors).toMatchObject([{ code: 'PXU_ERR_STORE_UNREADABLE' }])
    expect(await store.openDays()).toEqual([])
  })

  test('scenario 70: the files of a newer version are refused by an older one, then read again by the newer', async () => {
    const { dir, path, bytes } = await deadJournal()
    const end = bytes.indexOf('}') + 1
    const header = JSON.parse(bytes.subarray(10, end).toString()) as object
    const newerHead = encodeFrame(frameTypes.header, Buffer.from(JSON.stringify({ ...header, format: 2 })), 0)
    fs.writeFileSync(path, Buffer.concat([newerHead, bytes.subarray(end)]))
    const older = await folder.open({ dir })
    expect(await callsOf(older)).toEqual({})
    expect(await older.closeDay(day, oneLinePerUser())).toEqual({ outcome: 'empty' })
    await older.close()
    fs.writeFileSync(
      path,
      Buffer.concat([bytes.subarray(0, end), fs.readFileSync(path).subarray(newerHead.length)]),
    )
    expect(await callsOf(await folder.open({ dir }))).toEqual({ ada: 5 })
  })

  test('scenario 70: a log of lines of a newer version is refused, and left as it is', async () => {
    const store = await folder.open()
    await store.put([line('a')])
    await store.close()
    const name = fs
      .readdirSync(join(folder.dir, 'outbox'))
      .find((name) => name.startsWith('state.')) as string
    const path = join(folder.dir, 'outbox', name)
    const newer = encodeFrame(frameTypes.header, Buffer.from(JSON.stringify({ format: 2, id: name })), 0)
    fs.writeFileSync(path, newer)
    await expect(folder.open()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNREADABLE' })
    expect(fs.readFileSync(path)).toEqual(newer)
  })

  test('scenario 23: a container that starts again on the same volume takes the old journal once', async () => {
    const { dir } = await deadJournal()
    const store = await folder.open({ dir })
    await store.add(batches()({ ada: 2 }))
    expect(await callsOf(store)).toEqual({ ada: 7 })
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 7 })
    await store.close()
    const again = await folder.open({ dir })
    expect(await again.openDays()).toEqual([])
    expect(again.outboxCounts()).toMatchObject({ closed: 2, pending: 2 })
  })

  test('scenario 24: volume cloned to two pods: a journal of another host is not taken for a day, and that is told', async () => {
    const { dir, path, bytes } = await deadJournal()
    const text = bytes.subarray(10, bytes.indexOf('}') + 1).toString()
    const header = { ...(JSON.parse(text) as object), host: `not ${hostname()}`, boot: 'another boot' }
    const head = encodeFrame(frameTypes.header, Buffer.from(JSON.stringify(header)), 0)
    fs.writeFileSync(path, Buffer.concat([head, bytes.subarray(10 + text.length)]))
    fs.utimesSync(path, folder.clock.now() / 1_000, folder.clock.now() / 1_000)
    const store = await folder.open({ dir })
    expect(await store.closeDay(day, oneLinePerUser())).toEqual({ outcome: 'waiting', writers: 1 })
    expect(folder.warnings).toEqual(['PXU_WRN_STORE_FOREIGN_WRITER'])
    await folder.clock.advance(24 * 3_600_000 + 1)
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 5 })
  })
})

describe('a disk that fails', () => {
  test('scenario 15: ENOSPC in the middle of a write, then space: nothing is lost and nothing counted twice', async () => {
    let isFull = false
    const disk = diskWith((call, args) => {
      if (!isFull || call !== 'writeSync') return
      const [file, bytes, offset, length, position] = args as [number, Uint8Array, number, number, number]
      fs.writeSync(file, bytes, offset, length >> 1, position)
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

  test('scenario 18: EIO on a write and on cutting back moves on to a new file; EMFILE for that one is told and tried again', async () => {
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

  test('scenario 17: EROFS, EACCES or ENOTDIR at start is told, and what was counted stays with the meter', async () => {
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

  test('scenario 19: data dir deleted while running: the journal is written anew with all that stood in it', async () => {
    const store = await folder.open()
    const batch = batches()
    await store.add(batch({ ada: 1, bob: 1 }))
    await store.add(batch({ ada: 1 }))
    fs.rmSync(folder.dir, { recursive: true })
    await store.add(batch({ ada: 1 }))
    expect(folder.told).toContain('store:degraded')
    expect(await callsOf(await folder.open({ dir: folder.afterKill() }))).toEqual({ ada: 3, bob: 1 })
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 4 })
    expect(store.outboxCounts()).toMatchObject({ closed: 2, pending: 2 })
  })

  test('scenario 19: a folder deleted after the last count is written anew by close()', async () => {
    const store = await folder.open()
    await store.add(batches()({ ada: 1 }))
    fs.rmSync(folder.dir, { recursive: true })
    await store.close()
    expect(await callsOf(await folder.open())).toEqual({ ada: 1 })
  })

  test('scenario 20: a write blocked for 5 s: counts are written each 20 ms then, not in every turn, and after a minute again', async () => {
    let elapsed = 0
    let blockedMs = 0
    const clock = { ...folder.clock, elapsed: () => elapsed }
    const disk = diskWith((call) => {
      if (call === 'writeSync') elapsed += blockedMs
    })
    const store = folder.make({}, disk)
    const told: object[] = []
    await store.open({
      clock,
      timeZone: 'UTC',
      diagnostics: { publish: (_, message) => void told.push(message), warn() {}, error() {} },
    })
    expect(store.flushAfterMs).toBe(0)
    blockedMs = 5_000
    await store.add(batches()({ ada: 1 }))
    blockedMs = 0
    expect(store.flushAfterMs).toBe(20)
    expect(told).toMatchObject([{ reason: 'a write took 5000 ms', writesEachTurn: false }])
    elapsed += 59_000
    expect(store.flushAfterMs).toBe(20)
    elapsed += 2_000
    expect(store.flushAfterMs).toBe(0)
    expect(told).toMatchObject([{}, { writesEachTurn: true }])
    await store.close()
  })
})

test('scenario 25: a path too long for a socket: a short one is used, and two long ones are not mixed up', async () => {
  const long = join(folder.dir, 'a'.repeat(60), 'b'.repeat(60))
  const first = await folder.open({ dir: long })
  const second = await folder.open({ dir: long })
  const batch = batches()
  await first.add(batch({ ada: 1 }))
  await second.add(batches()({ bob: 1 }))
  await first.seal(day)
  expect(await first.closeDay(day, oneLinePerUser())).toEqual({ outcome: 'waiting', writers: 1 })
  const paths = ['a', 'b'].map((name) => socketPath(join(long, name), '0123456789abcdef-1'))
  expect(new Set(paths).size).toBe(2)
  for (const path of paths) expect(path.length).toBeLessThan(100)
})
