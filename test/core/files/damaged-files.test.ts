import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DamagedFiles } from '../../../packages/core/src/files/damaged-files.ts'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'

let dir: string
let path: string
let nowMs: number
let reports: Array<[path: string, what: string, copy: string | undefined]>
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-damaged-'))
  path = join(dir, 'journals', '2026-11-23', 'x.log')
  fs.mkdirSync(join(dir, 'journals', '2026-11-23'), { recursive: true })
  fs.writeFileSync(path, 'intact|damaged bytes')
  nowMs = Date.parse('2026-11-23T10:00:00Z')
  reports = []
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

function damagedFiles(disk: Disk = realDisk): DamagedFiles {
  return new DamagedFiles({
    disk,
    dir,
    now: () => nowMs,
    onDamage: (path, what, copy) => void reports.push([path, what, copy]),
  })
}

const inDamaged = () => fs.readdirSync(join(dir, 'damaged')).sort()

describe('isLasting()', () => {
  it('is true at once for invalid content, whose error has no code', () => {
    expect(damagedFiles().isLasting(path, new SyntaxError('Unexpected token'))).toBe(true)
  })

  it.each(['EMFILE', 'ENOSPC', 'EBUSY', 'ENOENT', 'ERR_ACCESS_DENIED'])(
    'is never true for %s, which says nothing about the file',
    (code) => {
      const damaged = damagedFiles()
      for (let i = 0; i < 10; i++, nowMs += 60_000) expect(damaged.isLasting(path, errno(code))).toBe(false)
    },
  )

  it('is true for another code after three failures within at least a minute', () => {
    const damaged = damagedFiles()
    const isLasting = (at = path) => damaged.isLasting(at, errno('EIO'))
    expect([isLasting(), isLasting(), isLasting()]).toEqual([false, false, false])
    nowMs += 59_999
    expect(isLasting()).toBe(false)
    nowMs += 1
    expect(isLasting(`${path}.other`)).toBe(false)
    expect(isLasting()).toBe(true)
  })

  it('is false for two failures, however long ago the first was', () => {
    const damaged = damagedFiles()
    damaged.isLasting(path, errno('EIO'))
    nowMs += 3_600_000
    expect(damaged.isLasting(path, errno('EIO'))).toBe(false)
  })

  it('starts to count again for a new file in the place of one that was set aside', () => {
    const damaged = damagedFiles()
    const failAgain = () => {
      const result = damaged.isLasting(path, errno('EIO'))
      nowMs += 60_000
      return result
    }
    expect([failAgain(), failAgain(), failAgain()]).toEqual([false, false, true])
    damaged.setAside(path, 'its counts')
    expect(failAgain()).toBe(false)
  })
})

describe('setAside()', () => {
  it('moves the file to the folder damaged, and reports where it is', () => {
    damagedFiles().setAside(path, 'its counts')
    const [name] = inDamaged()
    expect(name).toMatch(/^x\.log\.2026-11-23T/)
    expect(reports).toEqual([[path, 'its counts', join(dir, 'damaged', name as string)]])
    expect(fs.existsSync(path)).toBe(false)
  })

  it('reports one path once, although it moves whatever comes to that path', () => {
    const damaged = damagedFiles()
    damaged.setAside(path, 'its counts')
    fs.writeFileSync(path, 'damaged again')
    damaged.setAside(path, 'its counts')
    expect(reports).toHaveLength(1)
    expect(inDamaged()).toHaveLength(2)
  })

  it('throws if the file cannot be moved, and reports it only once it is moved', () => {
    let isFull = true
    const damaged = damagedFiles(
      diskWith((call) => {
        if (call === 'renameSync' && isFull) throw errno('ENOSPC')
      }),
    )
    expect(() => damaged.setAside(path, 'its counts')).toThrow(`${path} could not be moved to`)
    expect(reports).toEqual([])
    isFull = false
    damaged.setAside(path, 'its counts')
    expect(reports).toHaveLength(1)
  })
})

describe('copyFrom()', () => {
  it('copies the bytes from the offset on, under the name of the day and the file', async () => {
    await damagedFiles().copyFrom(path, 'intact|'.length, 'the counts behind the damage')
    const copy = join(dir, 'damaged', '2026-11-23.x.log.bad')
    expect(fs.readFileSync(copy, 'utf8')).toBe('damaged bytes')
    expect(fs.readFileSync(path, 'utf8')).toBe('intact|damaged bytes')
    expect(reports).toEqual([[path, 'the counts behind the damage', copy]])
    expect(fs.statSync(copy).mode & 0o777).toBe(0o600)
  })

  it('copies files that are larger than one read', async () => {
    const content = Buffer.alloc(600_000, 'px usage')
    fs.writeFileSync(path, content)
    await damagedFiles().copyFrom(path, 1, 'the counts')
    expect(fs.readFileSync(join(dir, 'damaged', '2026-11-23.x.log.bad')).equals(content.subarray(1))).toBe(
      true,
    )
  })

  it('copies each file once in a process, and overwrites no copy of an earlier process', async () => {
    const first = damagedFiles()
    for (let i = 0; i < 3; i++) await first.copyFrom(path, 0, 'the counts')
    expect(inDamaged()).toEqual(['2026-11-23.x.log.bad'])
    await damagedFiles().copyFrom(path, 7, 'the counts')
    expect(inDamaged()).toEqual(['2026-11-23.x.log.2.bad', '2026-11-23.x.log.bad'])
    expect(reports).toHaveLength(2)
  })

  it('reports nothing if the copy fails, and copies the file at the next call', async () => {
    let isFull = true
    const open = new Set<unknown>()
    const damaged = damagedFiles(
      diskWith((call, [file]) => {
        if (call === 'write' && isFull) throw errno('ENOSPC')
        if (call === 'closeSync') open.add(file)
      }),
    )
    await expect(damaged.copyFrom(path, 0, 'the counts')).rejects.toThrow('ENOSPC')
    expect([reports, open.size]).toEqual([[], 2])
    isFull = false
    await damaged.copyFrom(path, 0, 'the counts')
    expect(reports).toHaveLength(1)
  })
})

it('reportMissing() reports a file that is gone once, without a copy', () => {
  const damaged = damagedFiles()
  damaged.reportMissing(path, 'its lines')
  damaged.reportMissing(path, 'its lines')
  expect(reports).toEqual([[path, 'its lines', undefined]])
})
