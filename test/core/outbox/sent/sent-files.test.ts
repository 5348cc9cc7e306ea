import fs from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { realDisk } from '../../../../packages/core/src/files/disk.ts'
import {
  incompleteUpTo,
  noteIncomplete,
  sentFileEnd,
  sentFileName,
  sentFilesIn,
  sentFolder,
} from '../../../../packages/core/src/outbox/sent/sent-files.ts'
import { diskOf } from '../../../support/store-folder.ts'

const disk = diskOf(beforeEach, afterEach)

test('the name of a file has its days, and ends with the id of the file of the outbox', () => {
  expect(sentFileName('2026-11-23', '2026-11-23', 'ab12')).toBe('2026-11-23.ab12.ndjson.gz')
  expect(sentFileName('2026-11-01', '2026-11-23', 'ab12')).toBe('2026-11-01..2026-11-23.ab12.ndjson.gz')
  expect(sentFileName('2026-11-01', '2026-11-23', 'ab12')).toMatch(sentFileEnd('ab12'))
})

test('files are listed by their last day, without those that are not finished', () => {
  expect(sentFilesIn(realDisk, disk.dir)).toEqual([])
  const folder = sentFolder(disk.dir)
  fs.mkdirSync(folder)
  const names = ['2026-11-23.ab.ndjson.gz', '2026-11-01..2026-11-24.cd.ndjson.gz', '2026-11-22.ef.ndjson.gz']
  for (const name of [...names, 'ab.12.tmp', 'notes.txt']) fs.writeFileSync(`${folder}/${name}`, '')
  expect(sentFilesIn(realDisk, disk.dir).map(({ first, last }) => [first, last])).toEqual([
    ['2026-11-22', '2026-11-22'],
    ['2026-11-23', '2026-11-23'],
    ['2026-11-01', '2026-11-24'],
  ])
})

test('the last day of which lines are missing is noted in one file, and never goes back', () => {
  expect(incompleteUpTo(realDisk, disk.dir)).toBeUndefined()
  for (const day of ['2026-11-20', '2026-11-22', '2026-11-21']) noteIncomplete(realDisk, disk.dir, day)
  expect(incompleteUpTo(realDisk, disk.dir)).toBe('2026-11-22')
  expect(fs.readdirSync(sentFolder(disk.dir))).toHaveLength(1)
})
