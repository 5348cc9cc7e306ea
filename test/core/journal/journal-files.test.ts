import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fakeClock } from '@px-usage/core/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import {
  type JournalFile,
  journalDays,
  journalFolder,
  journalPath,
  journalsOf,
  newJournalId,
  removeJournalFiles,
} from '../../../packages/core/src/journal/journal-files.ts'

const day = '2026-11-23'
const one = '00000000000000aa-m0'
const other = '00000000000000bb-m0'

let dir: string
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-journals-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

function put(...names: string[]): void {
  fs.mkdirSync(journalFolder(dir, day), { recursive: true })
  for (const name of names) fs.writeFileSync(join(journalFolder(dir, day), name), name)
}

const rangesOf = (files: readonly JournalFile[] = []) => files.map(({ first, last }) => [first, last])

describe('newJournalId()', () => {
  it('differs for two journals that start in the same millisecond, and names their start', () => {
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const ids = Array.from({ length: 100 }, () => newJournalId(clock))
    expect(new Set(ids).size).toBe(100)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}-[0-9a-z]+$/)
    expect(Number.parseInt(ids[0]?.split('-')[1] as string, 36)).toBe(Date.parse('2026-11-23T10:00:00Z'))
  })

  it('makes a file name that is found again, also while the clock shows a time before 1970', () => {
    const id = newJournalId(fakeClock(-5_000))
    put(basename(journalPath(dir, day, id, 1, 1)))
    expect([...journalsOf(realDisk, dir, day).keys()]).toEqual([id])
  })
})

describe('journalDays()', () => {
  it('returns the days with a folder, oldest first, and nothing that is no day', () => {
    for (const name of [
      '2026-11-24',
      '2026-11-23',
      '2024-02-29',
      '2026-02-30',
      '2026-11-2',
      'notes',
      '2026-11-23x',
    ])
      fs.mkdirSync(join(journalFolder(dir), name), { recursive: true })
    expect(journalDays(realDisk, dir)).toEqual(['2024-02-29', '2026-11-23', '2026-11-24'])
  })

  it('is empty before anything was counted', () => {
    expect(journalDays(realDisk, dir)).toEqual([])
  })
})

describe('journalsOf()', () => {
  it('groups the files of a day by journal, in the order of their segments', () => {
    put(`${one}.10-10.log`, `${one}.2-2.log`, `${other}.1-1.log`, `${one}.1-1.log`)
    const journals = journalsOf(realDisk, dir, day)
    expect([...journals.keys()].sort()).toEqual([one, other])
    expect(rangesOf(journals.get(one))).toEqual([
      [1, 1],
      [2, 2],
      [10, 10],
    ])
    expect(journals.get(other)).toEqual([
      { path: journalPath(dir, day, other, 1, 1), journalId: other, first: 1, last: 1 },
    ])
  })

  it('leaves out the files that a compacted file contains, but not those of another journal', () => {
    put(`${one}.1-3.log`, `${one}.1-1.log`, `${one}.3-3.log`, `${one}.4-4.log`, `${other}.2-2.log`)
    const journals = journalsOf(realDisk, dir, day)
    expect(rangesOf(journals.get(one))).toEqual([
      [1, 3],
      [4, 4],
    ])
    expect(rangesOf(journals.get(other))).toEqual([[2, 2]])
  })

  it('ignores unfinished files and files with other names', () => {
    put(`${one}.1-1.log.tmp`, `${one}.1.log`, 'x.1-1.log', `${one}.1-1.log.bad`)
    expect(journalsOf(realDisk, dir, day).size).toBe(0)
  })
})

describe('removeJournalFiles()', () => {
  const all = [
    ...[`${one}.1-3.log`, `${one}.1-1.log`, `${one}.3-3.log`, `${one}.2-2.log.tmp`, `${one}.1-3.log.tmp`],
    ...[`${one}.4-4.log`, `${one}.5-5.log.tmp`, `${other}.1-1.log`, `${other}.1-1.log.tmp`, 'notes.txt'],
  ]

  async function remove(which: 'whole' | 'contained'): Promise<string[]> {
    put(...all)
    const compacted = journalsOf(realDisk, dir, day).get(one)?.[0] as JournalFile
    await removeJournalFiles(realDisk, journalFolder(dir, day), [compacted], which)
    const left = fs.readdirSync(journalFolder(dir, day))
    return all.filter((name) => !left.includes(name))
  }

  it('removes what a compacted file replaced, and keeps that file', async () => {
    expect(await remove('contained')).toEqual([
      ...[`${one}.1-1.log`, `${one}.3-3.log`, `${one}.2-2.log.tmp`, `${one}.1-3.log.tmp`],
    ])
  })

  it('removes a whole file with all that it contains, and the unfinished files of its journal', async () => {
    expect(await remove('whole')).toEqual([
      ...[`${one}.1-3.log`, `${one}.1-1.log`, `${one}.3-3.log`, `${one}.2-2.log.tmp`, `${one}.1-3.log.tmp`],
      `${one}.5-5.log.tmp`,
    ])
  })

  it('has nothing to do in a folder that is gone', async () => {
    const file = { path: journalPath(dir, day, one, 1, 1), journalId: one, first: 1, last: 1 }
    await removeJournalFiles(realDisk, journalFolder(dir, day), [file], 'whole')
  })
})
