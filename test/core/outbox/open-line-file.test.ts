import fs from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import { formatVersion } from '../../../packages/core/src/files/frames.ts'
import { encodeHeader, newHeader } from '../../../packages/core/src/outbox/line-file.ts'
import { openLineFile } from '../../../packages/core/src/outbox/open-line-file.ts'
import { line } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { outboxOf } from '../../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)

async function open(name: string, disk: Disk = realDisk) {
  const found = await openLineFile(disk, folder.path(name), folder.damagedOn(disk))
  if (found !== undefined) fs.closeSync(found.file)
  return found
}

describe('opening a file of lines', () => {
  it('returns its header and its end', async () => {
    const name = await folder.writeDay([line('a'), line('b')])
    expect(await open(name)).toMatchObject({ header: { revision: 0 }, end: { lines: 2, totals: 2 } })
    expect(folder.damages).toEqual([])
  })

  it('refuses a file of a newer version, and leaves it as it is', async () => {
    const bytes = encodeHeader({ ...newHeader({}), format: formatVersion + 1 })
    fs.writeFileSync(folder.path('put.a.lines'), bytes)
    await expect(open('put.a.lines')).rejects.toMatchObject({
      code: 'PXU_ERR_STORE_UNREADABLE',
      message: expect.stringContaining('was written by a newer px-usage'),
    })
    expect(fs.readFileSync(folder.path('put.a.lines'))).toEqual(bytes)
  })

  it('sets a damaged file aside, and leaves a header so that its revision is not used again', async () => {
    const name = await folder.writeDay([line('a')], { revision: 3 })
    fs.writeFileSync(folder.path(name), 'no header')
    expect(await open(name)).toBeUndefined()
    expect(folder.damages).toMatchObject([{ path: folder.path(name), what: 'its events' }])
    expect(fs.readFileSync(folder.damages[0]?.copy as string, 'utf8')).toBe('no header')
    expect(await open(name)).toMatchObject({ header: { revision: 3 }, end: { lines: 0 } })
  })

  it('sets single lines aside without a header in their place', async () => {
    fs.mkdirSync(folder.path('put.a.lines'))
    expect(await open('put.a.lines')).toBeUndefined()
    expect(fs.readdirSync(folder.outbox)).toEqual([])
  })

  it('copies a closed day whose end is damaged, and opens what is intact', async () => {
    const name = await folder.writeDay([line('a')])
    fs.truncateSync(folder.path(name), fs.statSync(folder.path(name)).size - 3)
    expect(await open(name)).toMatchObject({ header: { revision: 0 }, end: undefined })
    expect(folder.damages).toHaveLength(1)
  })

  it('fails while the disk cannot read it, and changes nothing', async () => {
    const name = await folder.writeDay([line('a')])
    const before = fs.readFileSync(folder.path(name))
    const disk = diskWith((call) => {
      if (call === 'openSync') throw errno('EMFILE')
    })
    await expect(open(name, disk)).rejects.toThrow('EMFILE')
    expect(fs.readFileSync(folder.path(name))).toEqual(before)
    expect(folder.damages).toEqual([])
  })
})
