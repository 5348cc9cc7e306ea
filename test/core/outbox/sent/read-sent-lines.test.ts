import fs from 'node:fs'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Disk } from '../../../../packages/core/src/files/disk.ts'
import { readSentLines } from '../../../../packages/core/src/outbox/sent/read-sent-lines.ts'
import { sentFolder } from '../../../../packages/core/src/outbox/sent/sent-files.ts'
import { line } from '../../../support/count-batch.ts'
import { diskWith, errno } from '../../../support/failing-disk.ts'
import { readOnlyDisk } from '../../../support/read-only-disk.ts'
import { diskOf } from '../../../support/store-folder.ts'

const disk = diskOf(beforeEach, afterEach)

function write(name: string, ...parts: string[][]): void {
  const folder = sentFolder(disk.dir)
  fs.mkdirSync(folder, { recursive: true })
  const texts = parts.map((ids) => ids.map((id) => `${JSON.stringify(line(id, id.slice(0, 10)))}\n`).join(''))
  fs.writeFileSync(`${folder}/${name}`, Buffer.concat(texts.map((text) => gzipSync(text))))
}

async function idsOf(first: string, last: string, from: Disk = readOnlyDisk): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of readSentLines(from, disk.dir, { first, last })) ids.push(id)
  return ids
}

test('the lines of a range are yielded, of a file with other days as well', async () => {
  write('2026-11-22.a.ndjson.gz', ['2026-11-22 é'], ['2026-11-22 b'])
  write('2026-11-20..2026-11-23.b.ndjson.gz', ['2026-11-23 a', '2026-11-20 a'])
  expect(await idsOf('2026-11-22', '2026-11-23')).toEqual(['2026-11-22 é', '2026-11-22 b', '2026-11-23 a'])
  expect(await idsOf('2026-11-20', '2026-11-20')).toEqual(['2026-11-20 a'])
  expect(await idsOf('2026-11-24', '2026-11-25')).toEqual([])
})

test('a file that was removed meanwhile is skipped, and a disk that fails is an error', async () => {
  write('2026-11-22.a.ndjson.gz', ['2026-11-22 a'])
  for (const [call, code] of [
    ['lstatSync', 'ENOENT'],
    ['read', 'EIO'],
  ]) {
    const failing = diskWith((done) => {
      if (done === call) throw errno(code ?? '')
    })
    const found = idsOf('2026-11-22', '2026-11-22', failing)
    if (code === 'ENOENT') expect(await found).toEqual([])
    else await expect(found).rejects.toThrow('EIO')
  }
})

test('a reader that stops early leaves no file open', async () => {
  write('2026-11-22.a.ndjson.gz', ['2026-11-22 a', '2026-11-22 b'])
  let open = 0
  const counting = diskWith((call) => {
    if (call === 'openSync') open += 1
    if (call === 'closeSync') open -= 1
  })
  for await (const _ of readSentLines(counting, disk.dir, { first: '2026-11-22', last: '2026-11-22' })) break
  expect(open).toBe(0)
})
