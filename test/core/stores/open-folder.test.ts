import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import { type OpenFolder, openFolder } from '../../../packages/core/src/stores/open-folder.ts'
import { batches, day } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)
const opened: OpenFolder[] = []
let recorded = recordingDiagnostics()
let degraded: string[]
beforeEach(() => {
  recorded = recordingDiagnostics()
  degraded = []
})
afterEach(async () => {
  for (const { writer, leaderOutbox, mark, compacted } of opened.splice(0)) {
    await compacted()
    await writer.close()
    leaderOutbox.close()
    await mark.release()
  }
})

async function open(disk: Disk = realDisk, segmentBytes = 1_000_000): Promise<OpenFolder> {
  const found = await openFolder({
    ...{ disk, dir: folder.dir, segmentBytes, clock: folder.clock, timeZone: 'UTC' },
    ...{ diagnostics: recorded.diagnostics, onWrite() {}, isSlow: () => false },
    degraded: (reason) => void degraded.push(reason),
  })
  opened.push(found)
  return found
}

const journals = () => fs.readdirSync(join(folder.dir, 'journals', day))

describe('opening a folder', () => {
  it('creates it, and shows other processes that this one lives', async () => {
    fs.rmdirSync(folder.dir)
    await open()
    expect(fs.readdirSync(folder.dir)).toEqual(['s'])
    expect(fs.readdirSync(join(folder.dir, 's'))).toHaveLength(1)
  })

  it('gives each process a journal of its own', async () => {
    const [first, second] = [await open(), await open()]
    for (const { writer } of [first, second]) await writer.append(batches()({ ada: 1 }))
    expect(new Set(journals().map((name) => name.split('.')[0])).size).toBe(2)
  })

  it('removes what crashed processes left half written in notes and inbox after an hour', async () => {
    const nowMs = folder.clock.now()
    for (const name of ['notes', 'inbox']) {
      fs.mkdirSync(join(folder.dir, name))
      for (const [age, file] of [
        [3_600_001, 'old.tmp'],
        [60_000, 'new.tmp'],
        [3_600_001, 'note'],
      ] as const) {
        const path = join(folder.dir, name, file)
        fs.writeFileSync(path, '')
        fs.utimesSync(path, new Date(nowMs - age), new Date(nowMs - age))
      }
    }
    await open()
    for (const name of ['notes', 'inbox']) {
      expect(fs.readdirSync(join(folder.dir, name))).toEqual(['new.tmp', 'note'])
    }
  })

  it('warns when the process may not sync files, and counts all the same', async () => {
    const { writer } = await open(
      diskWith((call) => {
        if (call === 'fsync' || call === 'fdatasync') throw errno('ERR_ACCESS_DENIED')
      }),
    )
    expect(recorded.warnings).toEqual(['PXU_WRN_STORE_NO_SYNC'])
    await writer.append(batches()({ ada: 1 }))
    await writer.sync()
    expect(journals()).toHaveLength(1)
  })
})

describe('an open folder', () => {
  it('compacts the full files of its journal, four at a time', async () => {
    const { writer, compacted } = await open(realDisk, 1)
    const batch = batches()
    for (let call = 0; call < 5; call++) await writer.append(batch({ ada: 1 }))
    const segments = () => journals().map((name) => name.replace(/^.*?\./, ''))
    await vi.waitFor(() => expect(segments()).toContain('1-4.log'))
    await compacted()
    expect(degraded).toEqual([])
  })

  it('keeps the full files when they cannot be compacted, and says so', async () => {
    const { writer, compacted } = await open(
      diskWith((call, [path]) => {
        if (call === 'openSync' && String(path).includes('.1-4.log')) throw errno('ENOSPC')
      }),
      1,
    )
    const batch = batches()
    for (let call = 0; call < 5; call++) await writer.append(batch({ ada: 1 }))
    await vi.waitFor(() => expect(degraded).toEqual(['journals could not be compacted']))
    await compacted()
    expect(journals().length).toBeGreaterThanOrEqual(4)
  })

  it('writes a journal that was removed to its place again, and shows that its process lives', async () => {
    const { writer } = await open()
    const batch = batches()
    await writer.append(batch({ ada: 1 }))
    fs.rmSync(join(folder.dir, 'journals'), { recursive: true })
    await folder.clock.advance(1_001)
    await writer.append(batch({ ada: 1 }))
    expect(journals()).toHaveLength(1)
    expect(degraded).toEqual(['it was removed or moved away, and is written to its place again'])
  })

  it('reports a note that was damaged, and writes it again', async () => {
    fs.mkdirSync(join(folder.dir, 'notes', 'budget'), { recursive: true })
    const { notes } = await open()
    await notes.write('budget', '1')
    expect(notes.read('budget')).toBe('1')
    expect(recorded.errors).toMatchObject([
      { code: 'PXU_ERR_STORE_UNREADABLE', message: expect.stringContaining('px-usage uses everything else') },
    ])
  })
})
