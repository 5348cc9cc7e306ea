import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import {
  inspectJournal,
  isSealed,
  oneByOne,
  readJournalHeader,
  readTotals,
} from '../../../packages/core/src/journal/journal-reader.ts'
import { callsInFile, headerOf, writeJournalFile } from '../../support/journal-file.ts'

let dir: string
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-reader-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

const three = [{ ann: 1 }, { ann: 2, ben: 5 }, { ben: 1 }]

describe('readJournalHeader()', () => {
  it('reads the header of a file, however it continues', async () => {
    const file = await writeJournalFile(dir, { first: 1, batches: three })
    fs.appendFileSync(file.path, 'damage')
    expect(await readJournalHeader(realDisk, file.path)).toEqual(headerOf())
  })

  it.each([
    ['nothing', ''],
    ['no frame', 'x'.repeat(100)],
  ])('resolves to undefined for a file with %s', async (_what, content) => {
    const path = join(dir, 'a.log')
    fs.writeFileSync(path, content)
    expect(await readJournalHeader(realDisk, path)).toBeUndefined()
  })
})

describe('isSealed()', () => {
  it('is true only for a file that ends with a seal', async () => {
    const open = await writeJournalFile(dir, { first: 1, batches: three })
    expect(await isSealed(realDisk, open)).toBe(false)
    const sealed = await writeJournalFile(dir, { first: 1, batches: three, isSealed: true })
    expect(await isSealed(realDisk, sealed)).toBe(true)
  })

  it('is false for a seal of another journal, a damaged seal and a short file', async () => {
    const file = await writeJournalFile(dir, { first: 1, batches: three, isSealed: true })
    expect(await isSealed(realDisk, { ...file, journalId: '00000000000000bb-m0' })).toBe(false)
    const bytes = fs.readFileSync(file.path)
    bytes[bytes.length - 1] = 1
    fs.writeFileSync(file.path, bytes)
    expect(await isSealed(realDisk, file)).toBe(false)
    fs.truncateSync(file.path, 5)
    expect(await isSealed(realDisk, file)).toBe(false)
  })
})

describe('inspectJournal()', () => {
  it('returns how far a file can be read, and up to which sequence', async () => {
    const file = await writeJournalFile(dir, { first: 2, header: { firstSequence: 7 }, batches: three })
    const { size } = fs.statSync(file.path)
    expect(await inspectJournal(realDisk, file)).toEqual({
      ...file,
      header: headerOf({ firstSequence: 7 }),
      isNewer: false,
      lastSequence: 9,
      end: { at: size, how: 'clean' },
    })
    fs.truncateSync(file.path, size - 1)
    expect(await inspectJournal(realDisk, file)).toMatchObject({ lastSequence: 8, end: { how: 'torn' } })
  })

  it('counts no frame behind a file that has none', async () => {
    const file = await writeJournalFile(dir, { first: 1, header: { firstSequence: 4 }, batches: [] })
    expect(await inspectJournal(realDisk, file)).toMatchObject({ lastSequence: 3, end: { how: 'clean' } })
  })

  it('takes a missing sequence for damage, and ends before it', async () => {
    const whole = await writeJournalFile(dir, { first: 1, batches: [{ ann: 1 }] })
    const end = fs.statSync(whole.path).size
    const gap = await writeJournalFile(dir, { first: 2, header: { firstSequence: 3 }, batches: [{ ann: 1 }] })
    const headerBytes = fs.statSync(
      (await writeJournalFile(dir, { first: 3, header: { firstSequence: 3 }, batches: [] })).path,
    ).size
    fs.appendFileSync(whole.path, fs.readFileSync(gap.path).subarray(headerBytes))
    expect(await inspectJournal(realDisk, whole)).toMatchObject({
      lastSequence: 1,
      end: { at: end, how: 'damaged' },
    })
  })

  it('reads nothing of a file that a newer px-usage wrote', async () => {
    const file = await writeJournalFile(dir, { first: 1, header: { format: 1_000 }, batches: three })
    expect(await inspectJournal(realDisk, file)).toMatchObject({ isNewer: true, lastSequence: 0 })
  })

  it('takes the last sequence of a compacted file from its header', async () => {
    const file = await writeJournalFile(dir, { first: 1, last: 9, header: { upTo: 40 }, batches: three })
    expect(await inspectJournal(realDisk, file)).toMatchObject({ lastSequence: 40 })
  })
})

describe('readTotals()', () => {
  it('yields the sum of each series', async () => {
    const file = await writeJournalFile(dir, { first: 1, batches: three })
    expect(await callsInFile(file)).toEqual({ ann: 3, ben: 6 })
  })

  it('yields only what was gained after a sequence, with series that were described before it', async () => {
    const file = await writeJournalFile(dir, { first: 1, batches: three })
    expect(await callsInFile(file, 1)).toEqual({ ann: 2, ben: 6 })
    expect(await callsInFile(file, 2)).toEqual({ ben: 1 })
    expect(await callsInFile(file, 3)).toEqual({})
  })

  it('yields a compacted file as a whole, or not at all if it was counted before', async () => {
    const file = await writeJournalFile(dir, { first: 1, last: 9, header: { upTo: 40 }, batches: three })
    expect(await callsInFile(file, 39)).toEqual({ ann: 3, ben: 6 })
    expect(await callsInFile(file, 40)).toEqual({})
  })

  it('yields what comes before damage', async () => {
    const file = await writeJournalFile(dir, { first: 1, batches: three })
    const bytes = fs.readFileSync(file.path)
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
    fs.writeFileSync(file.path, bytes)
    expect(await callsInFile(file)).toEqual({ ann: 3, ben: 5 })
  })

  it('yields thousands of series in slices, between which the event loop takes a turn', async () => {
    const gained = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`user ${at}`, at + 1]))
    const pieces = Array.from({ length: 12 }, (_, at) =>
      Object.fromEntries(Object.entries(gained).slice(at * 250, (at + 1) * 250)),
    )
    const file = await writeJournalFile(dir, { first: 1, batches: pieces })
    const inspected = await inspectJournal(realDisk, file)
    const open = fs.openSync(file.path, 'r')
    const sizes: number[] = []
    let turns = 0
    let isDone = false
    const count = () => {
      turns += 1
      if (!isDone) setImmediate(count)
    }
    setImmediate(count)
    const visited = new Set<number>()
    for await (const slice of readTotals(realDisk, open, inspected, 0)) {
      sizes.push(slice.length)
      visited.add(turns)
    }
    isDone = true
    fs.closeSync(open)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(3_000)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(250)
    expect(visited.size).toBeGreaterThan(20)
    expect(await callsInFile(file)).toEqual(gained)
  })
})

describe('oneByOne()', () => {
  async function* slices(closed: () => void): AsyncGenerator<readonly number[]> {
    try {
      yield [1, 2]
      yield []
      yield [3]
    } finally {
      closed()
    }
  }

  it('yields the items of all slices, and skips empty ones', async () => {
    let isClosed = false
    const items: number[] = []
    for await (const item of oneByOne(slices(() => (isClosed = true)))) items.push(item)
    expect([items, isClosed]).toEqual([[1, 2, 3], true])
  })

  it('closes the slices when the reader stops early, so that no file stays open', async () => {
    let isClosed = false
    for await (const item of oneByOne(slices(() => (isClosed = true)))) if (item === 1) break
    expect(isClosed).toBe(true)
  })

  it('passes on an error of the slices', async () => {
    async function* failing(): AsyncGenerator<readonly number[]> {
      yield [1]
      throw new Error('EIO')
    }
    const items: number[] = []
    const read = async () => {
      for await (const item of oneByOne(failing())) items.push(item)
    }
    await expect(read()).rejects.toThrow('EIO')
    expect(items).toEqual([1])
  })
})
