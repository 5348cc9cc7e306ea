import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Disk, realDisk, writeWhole } from '../../../packages/core/src/files/disk.ts'
import { frameSeed } from '../../../packages/core/src/files/frames.ts'
import { encodePiece } from '../../../packages/core/src/journal/journal-piece.ts'
import { readJournalHeader } from '../../../packages/core/src/journal/journal-reader.ts'
import {
  beginSegment,
  cutBackSegment,
  finishSegment,
  isGone,
  type JournalSegment,
  rescueSegment,
  syncSegment,
} from '../../../packages/core/src/journal/journal-segment.ts'
import { batches } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { callsInFile, headerOf, journalId } from '../../support/journal-file.ts'

let dir: string
let path: string
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-segment-'))
  path = join(dir, `${journalId}.1-1.log`)
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

const isOpen = (file: number) => {
  try {
    return fs.fstatSync(file) !== undefined
  } catch {
    return false
  }
}

/** Writes a frame of counts to a segment, or a part of it as a full disk does. */
function write(segment: JournalSegment, gained: Record<string, number>, sequence: number, share = 1): void {
  const at = { from: 0, sequence, seed: frameSeed(journalId) }
  const { frame } = encodePiece(segment.encoder, batchOf(gained), at)
  writeWhole(realDisk, segment.file, frame.subarray(0, frame.length * share), segment.size)
  if (share === 1) segment.size += frame.length
  segment.dirty = true
}
let batchOf = batches()
beforeEach(() => {
  batchOf = batches()
})

const read = () => callsInFile({ path, journalId, first: 1, last: 1 })

describe('beginSegment()', () => {
  it('creates a file that only this user can read, with its header', async () => {
    const segment = beginSegment(realDisk, path, headerOf())
    expect(await readJournalHeader(realDisk, path)).toEqual(headerOf())
    expect(fs.statSync(path)).toMatchObject({ size: segment.size })
    expect(fs.statSync(path).mode & 0o777).toBe(0o600)
    await finishSegment(realDisk, segment)
  })

  it('gives the file its name only once its header is written', async () => {
    const there: boolean[] = []
    const disk = diskWith((call) => {
      if (call === 'writeSync' || call === 'renameSync') there.push(fs.existsSync(path))
    })
    await finishSegment(disk, beginSegment(disk, path, headerOf()))
    expect(there).toEqual([false, false])
  })

  it.each(['writeSync', 'renameSync'])('leaves no file and no descriptor if %s fails', (failing) => {
    const opened: unknown[] = []
    const disk = diskWith((call) => {
      if (call === failing) throw errno('ENOSPC')
    })
    const openSync = ((...args: Parameters<Disk['openSync']>) => {
      const file = realDisk.openSync(...args)
      opened.push(file)
      return file
    }) as Disk['openSync']
    expect(() => beginSegment({ ...disk, openSync }, path, headerOf())).toThrow('ENOSPC')
    expect(fs.readdirSync(dir)).toEqual([])
    expect(opened.map((file) => isOpen(file as number))).toEqual([false])
  })
})

describe('rescueSegment()', () => {
  it('writes the content of a removed file to its path, and continues it', async () => {
    const lost = beginSegment(realDisk, path, headerOf())
    write(lost, { ann: 3 }, 1)
    expect(isGone(realDisk, lost)).toBe(false)
    fs.rmSync(path)
    expect(isGone(realDisk, lost)).toBe(true)
    const rescued = rescueSegment(realDisk, lost)
    expect(isGone(realDisk, rescued)).toBe(false)
    write(rescued, { ann: 4 }, 2)
    await finishSegment(realDisk, rescued)
    expect(await read()).toEqual({ ann: 7 })
  })

  it('copies only up to the last intact frame, and marks the copy as not synced', async () => {
    const lost = beginSegment(realDisk, path, headerOf())
    write(lost, { ann: 3 }, 1)
    write(lost, { ben: 1 }, 2, 0.5)
    await syncSegment(realDisk, lost)
    fs.rmSync(path)
    const rescued = rescueSegment(realDisk, lost)
    expect(fs.statSync(path).size).toBe(lost.size)
    expect(rescued.dirty).toBe(true)
    await finishSegment(realDisk, rescued)
  })

  it('keeps the lost file open, and what a restored folder has at its path, if the copy fails', async () => {
    const lost = beginSegment(realDisk, path, headerOf())
    write(lost, { ann: 3 }, 1)
    fs.rmSync(path)
    fs.writeFileSync(path, 'restored')
    const full = diskWith((call) => {
      if (call === 'writeSync') throw errno('ENOSPC')
    })
    expect(() => rescueSegment(full, lost)).toThrow('ENOSPC')
    expect(fs.readFileSync(path, 'utf8')).toBe('restored')
    expect(fs.readdirSync(dir)).toHaveLength(1)
    await finishSegment(realDisk, rescueSegment(realDisk, lost))
    expect(await read()).toEqual({ ann: 3 })
  })

  it('throws if the lost file ends before its last frame', () => {
    const lost = beginSegment(realDisk, path, headerOf())
    fs.ftruncateSync(lost.file, 5)
    expect(() => rescueSegment(realDisk, lost)).toThrow('before its last frame')
    fs.closeSync(lost.file)
  })
})

describe('cutBackSegment()', () => {
  it('removes an incomplete frame, whose series the next frame describes again', async () => {
    const segment = beginSegment(realDisk, path, headerOf())
    write(segment, { ann: 3 }, 1)
    write(segment, { ben: 1 }, 2, 0.5)
    expect(cutBackSegment(realDisk, segment)).toBe(true)
    expect(fs.statSync(path).size).toBe(segment.size)
    write(segment, { ben: 1 }, 2)
    await finishSegment(realDisk, segment)
    expect(await read()).toEqual({ ann: 3, ben: 1 })
  })

  it('closes a file that cannot be cut, because a frame behind the damage would be lost', () => {
    const segment = beginSegment(realDisk, path, headerOf())
    const disk = diskWith((call) => {
      if (call === 'ftruncateSync') throw errno('EIO')
    })
    expect(cutBackSegment(disk, segment)).toBe(false)
    expect(isOpen(segment.file)).toBe(false)
  })
})

describe('syncSegment()', () => {
  it('syncs once for what was written since the last sync, one sync at a time', async () => {
    let syncs = 0
    let running = 0
    let most = 0
    const fdatasync = ((file: number, done: (error: Error | null) => void) => {
      syncs += 1
      running += 1
      most = Math.max(most, running)
      realDisk.fdatasync(file, (error) => {
        running -= 1
        done(error)
      })
    }) as Disk['fdatasync']
    const disk: Disk = { ...diskWith(() => {}), fdatasync }
    const segment = beginSegment(disk, path, headerOf())
    await Promise.all([syncSegment(disk, segment), syncSegment(disk, segment)])
    expect(syncs).toBe(1)
    segment.dirty = true
    const first = syncSegment(disk, segment)
    await Promise.resolve()
    await Promise.resolve()
    segment.dirty = true
    await Promise.all([first, syncSegment(disk, segment)])
    expect([syncs, most]).toEqual([3, 1])
    await finishSegment(disk, segment)
    expect(syncs).toBe(3)
  })

  it('rejects if the sync fails, and syncs the same content at the next call', async () => {
    let failures = 1
    let syncs = 0
    const disk = diskWith((call) => {
      if (call !== 'fdatasync') return
      if (failures-- > 0) throw errno('EIO')
      syncs += 1
    })
    const segment = beginSegment(disk, path, headerOf())
    await expect(syncSegment(disk, segment)).rejects.toThrow('EIO')
    await syncSegment(disk, segment)
    expect(syncs).toBe(1)
    await finishSegment(disk, segment)
  })
})

it('finishSegment() closes the file also if its sync fails', async () => {
  const disk = diskWith((call) => {
    if (call === 'fdatasync') throw errno('EIO')
  })
  const segment = beginSegment(disk, path, headerOf())
  await expect(finishSegment(disk, segment)).rejects.toThrow('EIO')
  expect(isOpen(segment.file)).toBe(false)
})
