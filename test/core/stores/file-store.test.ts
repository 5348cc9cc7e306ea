import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFrames } from '../../../packages/core/src/files/frame-file.ts'
import { frameTypes } from '../../../packages/core/src/files/frames.ts'
import { CountsDecoder } from '../../../packages/core/src/journal/journal-counts.ts'
import type { CountBatch } from '../../../packages/core/src/model/series.ts'
import type { StoreReader } from '../../../packages/core/src/model/store-reader.ts'
import { fileStore } from '../../../packages/core/src/stores/file-store.ts'
import { readFolder } from '../../../packages/core/src/stores/reading/read-folder.ts'
import { sentContract } from '../../contracts/sent-contract.ts'
import { storeContract } from '../../contracts/store-contract.ts'
import { batches, callsOf, day, line, oneLinePerUser, series } from '../../support/count-batch.ts'
import { diskWith } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

let contractDir: string
beforeEach(() => {
  contractDir = fs.mkdtempSync(join(tmpdir(), 'px-usage-'))
})
afterEach(() => fs.rmSync(contractDir, { recursive: true, force: true }))

storeContract('fileStore()', () => fileStore({ dir: contractDir }))
sentContract('fileStore()', () => ({
  makeStore: (keepSentBytes) => fileStore({ dir: contractDir, keepSentBytes }),
  reader: async () => readFolder(contractDir)[0] as StoreReader,
}))

describe('fileStore()', () => {
  const folder = diskOf(beforeEach, afterEach)

  it('refuses a folder and a durability that make no sense, and says what does', () => {
    expect(() => fileStore({ dir: '' })).toThrow(/dir "".*path of a folder/)
    expect(() => fileStore({ dir: 'x', durability: 'always' as never })).toThrow(/"always".*'turn'/)
    expect(() => fileStore({ dir: 'x', keepSentBytes: -1 })).toThrow(/keepSentBytes -1.*whole number/)
  })

  it('asks for counts in every turn, each 20 ms or each second', () => {
    const of = (durability: 'turn' | 'interval' | 'none') => fileStore({ dir: 'x', durability }).flushAfterMs
    expect([of('turn'), of('interval'), of('none')]).toEqual([0, 20, 1_000])
  })

  it('keeps counts that come before it is open', async () => {
    const store = folder.make()
    const opening = folder.openStore(store)
    const taken = store.add(batches()({ ada: 2 }))
    await opening
    await taken
    expect(await callsOf(store)).toEqual({ ada: 2 })
  })

  it('says which folder cannot be used and what to do', async () => {
    fs.writeFileSync(join(folder.dir, 'plain'), '')
    const dir = join(folder.dir, 'plain', 'usage')
    await expect(folder.open({ dir })).rejects.toThrow(/plain.*ENOTDIR.*PX_USAGE_DIR/)
    await expect(folder.open({ dir })).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
  })

  it('creates files that only the user of the process can read', async () => {
    const store = await folder.open()
    await store.add(batches()({ ada: 1 }))
    await store.closeDay(day, oneLinePerUser())
    await store.writeNote('n', '1')
    const open = folder.files().filter((name) => (fs.statSync(join(folder.dir, name)).mode & 0o077) !== 0)
    expect(open.filter((name) => !name.startsWith('s/'))).toEqual([])
  })

  it('leaves nothing of a day behind but the head of its lines when all are delivered', async () => {
    const store = await folder.open()
    await store.add(batches()({ ada: 1, bob: 2 }))
    await store.closeDay(day, oneLinePerUser())
    expect(fs.readdirSync(join(folder.dir, 'journals'))).toEqual([])
    const { lines } = await store.claim(9)
    await store.markAttempts(
      lines.map(({ id }) => id),
      1,
    )
    await store.settle(lines.map(({ id }) => ({ id, state: 'delivered' })))
    expect(fs.statSync(join(folder.dir, 'outbox', `${day}.0.lines`)).size).toBeLessThan(300)
    await store.close()
    const again = await folder.open()
    expect(again.outboxCounts()).toEqual({ closed: 2, delivered: 2, pending: 0, unconfirmed: 0, rejected: 0 })
    expect(await again.claim(9)).toEqual({ lines: [], nextDueInMs: undefined })
  })

  it('takes a batch of more series than it writes at once, in turns of the event loop', async () => {
    const store = await folder.open()
    const gained = Object.fromEntries(Array.from({ length: 7_001 }, (_, user) => [`user ${user}`, user + 1]))
    const batch = batches()
    const writing = store.add(batch(gained))
    expect(writing).toBeInstanceOf(Promise)
    await writing
    await store.add(batch({ 'user 7000': 1 }))
    expect(await callsOf(store)).toEqual({ ...gained, 'user 7000': 7_002 })
  })

  it('keeps ids that no separator and no encoding may break', async () => {
    const store = await folder.open()
    const ids = ['a\u0000b', '\ud800 alone', '😀', 'é', 'e\u0301', '__proto__', '', 'x'.repeat(70_000)]
    const batch = batches()
    for (const id of ids)
      await store.add(batch(JSON.parse(`{${JSON.stringify(id)}:1}`) as Record<string, number>))
    const seen: string[] = []
    for await (const { series } of store.totals(day)) seen.push(series.identity.userId)
    expect(seen.sort()).toEqual([...ids].sort())
  })

  it('keeps the rejected lines with their reasons over restarts', async () => {
    const store = await folder.open()
    await store.put([line('a'), line('b')])
    await store.claim(1)
    await store.settle([{ id: 'a', state: 'rejected', reason: 'bad date' }])
    await store.close()
    const again = await folder.open()
    const refused = []
    for await (const { id, reason } of again.rejected()) refused.push([id, reason])
    expect(refused).toEqual([['a', 'bad date']])
    expect(again.outboxCounts()).toMatchObject({ closed: 2, pending: 1, rejected: 1 })
  })

  it('does not forget the ids of lines put singly when their files are gone', async () => {
    for (let round = 0; round < 3; round++) {
      const store = await folder.open()
      await store.put([line('a')])
      for (const { id } of (await store.claim(9)).lines) await store.settle([{ id, state: 'delivered' }])
      expect(store.outboxCounts()).toMatchObject({ closed: 1, delivered: 1 })
      await store.close()
    }
    expect(folder.files().filter((name) => name.includes('put.'))).toEqual([])
  })

  it('opens without reading any of many series, and reads their totals in slices', async () => {
    const count = Number(process.env.SOAK_SERIES ?? 20_000)
    const store = await folder.open()
    const batch = batchesOfMany()
    for (let from = 0; from < count; from += 10_000) await store.add(batch(from, 10_000))
    const read: unknown[] = []
    const disk = diskWith((call, args) => {
      if (call === 'openSync' || call === 'readFileSync') read.push(args[0])
    })
    const next = await folder.open({ dir: folder.afterKill() }, disk)
    expect(read.filter((path) => String(path).includes('journals'))).toEqual([])
    const added = next.add(batches()({ ada: 1 }))
    expect(added, 'counts are taken at once').toBeUndefined()
    const inTurn = mostInTurn()
    let calls = 0
    for await (const { values } of next.totals(day)) {
      calls += values[0] ?? 0
      inTurn.add(1)
    }
    expect(calls).toBe(count + 1)
    // 250 entries, of which a new series and its gain are two.
    expect(inTurn.end()).toBeLessThanOrEqual(250)
  }, 120_000)

  it('removes the files that a closed day no longer needs off the event loop', async () => {
    const removed: string[] = []
    const atOnce: string[] = []
    const disk = diskWith((call, args) => {
      if (call === 'unlink') removed.push(String(args[0]))
      if (call === 'rmSync') atOnce.push(String(args[0]))
    })
    const store = await folder.open({}, disk)
    await store.add(batches()({ ada: 1, ben: 2 }))
    atOnce.length = 0
    await store.closeDay(day, async function* (totals) {
      for await (const { series } of totals) yield line(series.identity.userId, day, 'detail')
    })
    expect(removed.filter((path) => path.endsWith('.log'))).toHaveLength(1)
    expect(removed.filter((path) => path.endsWith('.tmp-details'))).toHaveLength(1)
    expect(atOnce).toEqual([])
    expect(folder.files().filter((name) => /journals|tmp/.test(name))).toEqual([])
  })

  it('writes many new and many known series in slices', async () => {
    const inTurn = { bytes: mostInTurn(), writes: mostInTurn() }
    const disk = diskWith((call, args) => {
      if (call !== 'writeSync') return
      inTurn.bytes.add((args[1] as Buffer).length)
      inTurn.writes.add(1)
    })
    const store = await folder.open({}, disk)
    const batch = batchesOfMany()
    for (let round = 0; round < 2; round++) {
      await store.add(batch(0, 40_000))
      await new Promise((resolve) => setImmediate(resolve))
    }
    // In the first turn the head of the file as well.
    expect(inTurn.writes.end()).toBeLessThanOrEqual(2)
    expect(inTurn.bytes.end()).toBeLessThan(70_000)
    await store.close()
    const [path = ''] = folder.files().filter((name) => name.startsWith('journals'))
    const described: number[] = []
    const decoder = new CountsDecoder({
      withSeries: false,
      onSeries: () => void described.push((described.pop() ?? 0) + 1),
      onGain() {},
    })
    const file = fs.openSync(join(folder.dir, path), 'r')
    await readFrames(fs, file, ({ type, payload }) => {
      if (type !== frameTypes.counts) return
      described.push(0)
      decoder.begin(payload)
      while (decoder.step(100) > 0);
      return
    })
    fs.closeSync(file)
    expect(sum(described)).toBe(40_000)
    expect(Math.max(...described)).toBeLessThanOrEqual(250)
    expect(await callsOf(await folder.open())).toMatchObject({ 'user 0': 2, 'user 39999': 2 })
  })
})

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}

/** The most of something that came in one turn of the event loop. */
function mostInTurn() {
  let most = 0
  let now = 0
  let isOver = false
  const turn = () => {
    most = Math.max(most, now)
    now = 0
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    add(more: number) {
      now += more
    },
    end() {
      isOver = true
      return Math.max(most, now)
    },
  }
}

/** Batches of users by number, of one table. */
function batchesOfMany(): (from: number, size: number) => CountBatch {
  const table = {}
  let sequence = 0
  return (from, size) => ({
    day,
    sequence: ++sequence,
    size,
    table,
    forEach(visit) {
      for (let id = from; id < from + size; id++) visit(id, [1, 0, 0, 0])
    },
    describe: (id) => series(`user ${id}`),
  })
}
