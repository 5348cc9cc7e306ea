import fs from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import type { RejectedLine } from '../../../packages/core/src/model/outbox-line.ts'
import {
  RejectedLines,
  readRejectedLines,
  readReview,
} from '../../../packages/core/src/outbox/rejected-lines.ts'
import { line } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { outboxOf } from '../../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)
const opened: RejectedLines[] = []
afterEach(() => {
  for (const rejected of opened.splice(0)) rejected.close()
})

const refused = (id: string): RejectedLine => ({ ...line(id), reason: `bad ${id}`, rejectedAtMs: 5 })

async function reject(epoch: number, ...ids: string[]): Promise<void> {
  const rejected = new RejectedLines(realDisk, folder.outbox, epoch)
  opened.push(rejected)
  await rejected.add(ids.map(refused))
}

async function read(disk: Disk = realDisk): Promise<{ ids: string[]; error: unknown }> {
  const ids: string[] = []
  try {
    for await (const { id } of readRejectedLines(disk, folder.outbox)) ids.push(id)
  } catch (error) {
    return { ids, error }
  }
  return { ids, error: undefined }
}

describe('rejected lines', () => {
  it('are read as they were written, while more are added', async () => {
    const rejected = new RejectedLines(realDisk, folder.outbox, 1)
    opened.push(rejected)
    await rejected.add([refused('a')])
    const lines = readRejectedLines(realDisk, folder.outbox)
    expect((await lines.next()).value).toEqual(refused('a'))
    await rejected.add([refused('b'), refused('c')])
    expect((await read()).ids).toEqual(['a', 'b', 'c'])
  })

  it('need no file before the first', async () => {
    await reject(1)
    expect(fs.readdirSync(folder.outbox)).toEqual([])
    expect(await read()).toEqual({ ids: [], error: undefined })
  })

  it('come in the order of the epochs, by number', async () => {
    await reject(10, 'later')
    await reject(9, 'earlier')
    expect((await read()).ids).toEqual(['earlier', 'later'])
  })

  it('of a leader that opens the outbox again go to a file of their own', async () => {
    await reject(1, 'a')
    await reject(1, 'b')
    expect(fs.readdirSync(folder.outbox)).toEqual(['rejected.1-1.log', 'rejected.1.log'])
    expect((await read()).ids).toEqual(['a', 'b'])
  })

  it('that a crash wrote twice are listed once', async () => {
    await reject(1, 'a')
    await reject(2, 'a', 'b')
    expect((await read()).ids).toEqual(['a', 'b'])
  })

  it('before a torn end are listed, because that write may be in progress', async () => {
    await reject(1, 'a', 'b')
    const path = folder.path('rejected.1.log')
    fs.truncateSync(path, fs.statSync(path).size - 3)
    expect(await read()).toEqual({ ids: ['a'], error: undefined })
  })

  it('of all other files are listed before a damaged file is reported', async () => {
    await reject(1, 'a')
    await reject(2, 'b')
    fs.writeFileSync(folder.path('rejected.1.log'), Buffer.from('no header at all'))
    expect(await read()).toEqual({
      ids: ['b'],
      error: expect.objectContaining({
        code: 'PXU_ERR_STORE_UNREADABLE',
        message: expect.stringContaining(`rejected.1.log in ${folder.outbox} (damaged at 0)`),
      }),
    })
  })

  it('are not stored when the disk is full, so their caller keeps them', async () => {
    const disk = diskWith((call) => {
      if (call === 'writeSync') throw errno('ENOSPC')
    })
    const rejected = new RejectedLines(disk, folder.outbox, 1)
    await expect(rejected.add([refused('a')])).rejects.toThrow('ENOSPC')
  })
})

describe('reviewed lines', () => {
  it('are no longer rejected, until PX refuses them again', async () => {
    await reject(1, 'a', 'b')
    const rejected = new RejectedLines(realDisk, folder.outbox, 2)
    opened.push(rejected)
    await rejected.review({ command: 'c', lines: ['a'] })
    expect(await read()).toEqual({ ids: ['b'], error: undefined })
    expect(await readReview(realDisk, folder.outbox, 'c')).toEqual({ command: 'c', lines: ['a'] })
    expect(await readReview(realDisk, folder.outbox, 'd')).toBeUndefined()
    await reject(3, 'a')
    expect((await read()).ids).toEqual(['b', 'a'])
  })
})
