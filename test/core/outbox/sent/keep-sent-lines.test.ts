import fs from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BitSet } from '../../../../packages/core/src/files/bit-set.ts'
import { type Disk, realDisk } from '../../../../packages/core/src/files/disk.ts'
import { withFile } from '../../../../packages/core/src/files/held-file.ts'
import { readLineFile } from '../../../../packages/core/src/outbox/line-file.ts'
import { SentLines } from '../../../../packages/core/src/outbox/sent/keep-sent-lines.ts'
import {
  incompleteUpTo,
  sentFilesIn,
  sentFolder,
} from '../../../../packages/core/src/outbox/sent/sent-files.ts'
import { line } from '../../../support/count-batch.ts'
import { cutOffAt, diskWith, errno } from '../../../support/failing-disk.ts'
import { outboxOf } from '../../../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)

function sentOn(disk: Disk = realDisk, keepBytes = 1_000_000): SentLines {
  return new SentLines({ disk, dir: folder.dir, clock: folder.clock, keepBytes })
}

async function fileOf(onDay: string, ids: readonly string[], undelivered: readonly number[] = []) {
  const name = await folder.writeDay(
    ids.map((id) => line(id, onDay)),
    { onDay },
  )
  const path = folder.path(name)
  const { header } = await withFile(realDisk, path, (file) => readLineFile(realDisk, file))
  const set = new BitSet()
  for (const index of undelivered) set.add(index)
  return { path, header, undelivered: set }
}

const incomplete = () => incompleteUpTo(realDisk, folder.dir)
const days = () => sentFilesIn(realDisk, folder.dir).map(({ last }) => last)
const textOf = (path = '') => gunzipSync(fs.readFileSync(path)).toString()

test('the delivered lines are JSON lines, which gunzip reads', async () => {
  const ids = Array.from({ length: 2_500 }, (_, index) => `line ${index}`)
  await sentOn().keep(await fileOf('2026-11-22', ids, [1, 2_400]))
  const [file] = sentFilesIn(realDisk, folder.dir)
  const lines = textOf(file?.path).trimEnd().split('\n')
  expect(lines).toHaveLength(2_498)
  expect(JSON.parse(lines[1] ?? '')).toEqual(line('line 2', '2026-11-22'))
  expect(fs.statSync(file?.path ?? '').mode & 0o777).toBe(0o600)
})

test('a file without a delivered line leaves no record', async () => {
  await sentOn().keep(await fileOf('2026-11-22', ['a'], [0]))
  expect(fs.readdirSync(sentFolder(folder.dir))).toEqual([])
})

test('lines that are kept already are not copied again', async () => {
  const file = await fileOf('2026-11-22', ['a'])
  await sentOn().keep(file)
  let writes = 0
  const counting = diskWith((call) => {
    if (call === 'write') writes += 1
  })
  await sentOn(counting).keep(file)
  expect([writes, days()]).toEqual([0, ['2026-11-22']])
})

test('lines older than 190 days are removed, and the oldest when all are too large', async () => {
  const sent = sentOn()
  for (const day of ['2026-05-01', '2026-05-20', '2026-11-22']) await sent.keep(await fileOf(day, [day]))
  expect([days(), incomplete()]).toEqual([['2026-05-20', '2026-11-22'], '2026-05-01'])
  const sizes = sentFilesIn(realDisk, folder.dir).map(({ path }) => fs.statSync(path).size)
  await sentOn(realDisk, (sizes[1] ?? 0) * 2).keep(await fileOf('2026-11-23', ['2026-11-23']))
  expect([days(), incomplete()]).toEqual([['2026-11-22', '2026-11-23'], '2026-05-20'])
})

test('days that an earlier version sent, or that the disk does not take, are not complete', async () => {
  await fileOf('2026-11-20', ['before'])
  await sentOn().keep(await fileOf('2026-11-21', ['a']))
  expect([days(), incomplete()]).toEqual([['2026-11-21'], '2026-11-20'])
  const full = diskWith((call) => {
    if (call === 'write') throw errno('ENOSPC')
  })
  await sentOn(full).keep(await fileOf('2026-11-22', ['b']))
  expect([days(), incomplete()]).toEqual([['2026-11-21'], '2026-11-22'])
})

test('a store that was removed while it was in use does not come back', async () => {
  const file = await fileOf('2026-11-22', ['a'])
  fs.rmSync(folder.dir, { recursive: true })
  await sentOn().keep(file)
  await sentOn(realDisk, 0).keep(file)
  expect(fs.existsSync(folder.dir)).toBe(false)
})

test('nothing is kept, and what was kept is removed, with 0 bytes', async () => {
  await sentOn().keep(await fileOf('2026-11-22', ['a']))
  await sentOn(realDisk, 0).keep(await fileOf('2026-11-23', ['b']))
  expect([days(), incomplete()]).toEqual([[], '2026-11-23'])
})

test('a disk that fails at any change leaves all lines or none, and nothing throws', async () => {
  for (let nth = 1; ; nth++) {
    const file = await fileOf(`2026-10-${String(nth).padStart(2, '0')}`, ['a', 'b'])
    const cut = cutOffAt(nth)
    await sentOn(cut.disk).keep(file)
    for (const { path } of sentFilesIn(realDisk, folder.dir)) expect(textOf(path).split('\n')).toHaveLength(3)
    if (!cut.isCutOff) break
    expect(nth).toBeLessThan(20)
  }
  await folder.clock.advance(2 * 3_600_000)
  await sentOn().keep(await fileOf('2026-11-22', ['a']))
  expect(days()).toContain('2026-11-22')
})
