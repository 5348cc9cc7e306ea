import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import { compactJournal } from '../../../packages/core/src/journal/compact-journal.ts'
import { journalFolder, journalsOf } from '../../../packages/core/src/journal/journal-files.ts'
import { inspectJournal } from '../../../packages/core/src/journal/journal-reader.ts'
import { day } from '../../support/count-batch.ts'
import { cutOffAt } from '../../support/failing-disk.ts'
import { callsInFile, headerOf, journalId, writeJournalFile } from '../../support/journal-file.ts'

let dir: string
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-compact-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

/** Segments 1 to 4 with the sequences 1 to 5. */
async function writeSegments(): Promise<void> {
  const segments = [[{ ann: 1 }, { ben: 2 }], [{ ann: 10, cid: 5 }], [{ ben: 20 }], [{ ann: 100 }]]
  let firstSequence = 1
  for (const [index, batches] of segments.entries()) {
    await writeJournalFile(dir, { first: index + 1, header: { firstSequence }, batches })
    firstSequence += batches.length
  }
}

const compact = (lastSegment: number, disk: Disk = realDisk) =>
  compactJournal(disk, dir, { day, journalId, lastSegment })
const names = () => fs.readdirSync(journalFolder(dir, day)).sort()
const filesOf = () => journalsOf(realDisk, dir, day).get(journalId) ?? []

async function totals(after = 0): Promise<Record<string, number>> {
  const sum: Record<string, number> = {}
  for (const file of filesOf()) {
    for (const [user, calls] of Object.entries(await callsInFile(file, after)))
      sum[user] = (sum[user] ?? 0) + calls
  }
  return sum
}

const all = { ann: 111, ben: 22, cid: 5 }

it('replaces complete files by one with the same sums, and leaves the file that is written to', async () => {
  await writeSegments()
  expect(await compact(3)).toBe(true)
  expect(names()).toEqual([`${journalId}.1-3.log`, `${journalId}.4-4.log`])
  expect(await totals()).toEqual(all)
  expect(await callsInFile(filesOf()[0] as never)).toEqual({ ann: 11, ben: 22, cid: 5 })
})

it('says in the header up to which sequence the file has everything', async () => {
  await writeSegments()
  await compact(3)
  const [compacted] = filesOf()
  expect(await inspectJournal(realDisk, compacted as never)).toMatchObject({
    header: headerOf({ upTo: 4 }),
    lastSequence: 4,
    end: { how: 'clean' },
  })
  expect(await totals(4)).toEqual({ ann: 100 })
})

it('compacts a compacted file again', async () => {
  await writeSegments()
  await compact(3)
  expect(await compact(4)).toBe(true)
  expect(names()).toEqual([`${journalId}.1-4.log`])
  expect(await totals()).toEqual(all)
  expect(await inspectJournal(realDisk, filesOf()[0] as never)).toMatchObject({ lastSequence: 5 })
})

it('has nothing to do with less than two complete files', async () => {
  expect(await compact(9)).toBe(false)
  await writeSegments()
  expect(await compact(1)).toBe(false)
  expect(names()).toHaveLength(4)
})

it('leaves damaged files to the process that closes the day', async () => {
  await writeSegments()
  const { path } = filesOf()[1] as { path: string }
  const bytes = fs.readFileSync(path)
  bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
  fs.writeFileSync(path, bytes)
  expect(await compact(3)).toBe(false)
  expect(names()).toHaveLength(4)
})

it('sums thousands of series', async () => {
  const gained = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`user ${at}`, at + 1]))
  const slices = Array.from({ length: 4 }, (_, at) =>
    Object.fromEntries(Object.entries(gained).slice(at * 250, (at + 1) * 250)),
  )
  await writeJournalFile(dir, { first: 1, batches: slices })
  await writeJournalFile(dir, { first: 2, header: { firstSequence: 5 }, batches: slices })
  expect(await compact(2)).toBe(true)
  const doubled = Object.fromEntries(Object.entries(gained).map(([user, calls]) => [user, 2 * calls]))
  expect(await totals()).toEqual(doubled)
})

it('keeps the sums whatever change of the disk a crash prevents', async () => {
  let isCutOff = true
  for (let nth = 1; isCutOff; nth++) {
    fs.rmSync(journalFolder(dir, day), { recursive: true, force: true })
    await writeSegments()
    const cut = cutOffAt(nth)
    await compact(3, cut.disk).catch(() => {})
    isCutOff = cut.isCutOff
    expect(await totals(), `cut off at change ${nth}`).toEqual(all)
    // The next compaction finishes what the crash left.
    await compact(3)
    expect(await totals(), `after change ${nth}`).toEqual(all)
  }
})
