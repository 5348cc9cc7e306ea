import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import {
  closeQuietly,
  discardFile,
  isReplaced,
  openToRead,
  removeQuietly,
  withFile,
} from '../../../packages/core/src/files/held-file.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'

let dir: string
let path: string
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-held-'))
  path = join(dir, 'folder', 'a.log')
  fs.mkdirSync(join(dir, 'folder'))
  fs.writeFileSync(path, 'content')
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

describe('openToRead()', () => {
  it('opens a file for reading, and with r+ for writing as well', () => {
    const file = openToRead(realDisk, path)
    expect(() => fs.writeSync(file, 'x')).toThrow('EBADF')
    fs.closeSync(file)
    const writable = openToRead(realDisk, path, 'r+')
    fs.writeSync(writable, 'C', 0)
    fs.closeSync(writable)
    expect(fs.readFileSync(path, 'utf8')).toBe('Content')
  })

  it.each<[string, (at: string) => void]>([
    ['a folder', (at) => fs.mkdirSync(at)],
    ['a link', (at) => fs.symlinkSync(path, at)],
    // Opening a FIFO would block the whole test.
    ['a FIFO', (at) => execFileSync('mkfifo', [at])],
  ])('refuses %s without opening it', (_what, put) => {
    const at = join(dir, 'other')
    put(at)
    const disk = diskWith((call) => {
      if (call === 'openSync') throw new Error('it was opened')
    })
    expect(() => openToRead(disk, at)).toThrow(`${at} is not a file`)
  })

  it('throws the error of the system for a path without anything', () => {
    expect(() => openToRead(realDisk, join(dir, 'missing'))).toThrow('ENOENT')
  })
})

describe('isReplaced()', () => {
  const changes: [string, boolean, () => void][] = [
    ['nothing happens', false, () => {}],
    ['more is written to it', false, () => fs.appendFileSync(path, 'more')],
    ['it is removed', true, () => fs.rmSync(path)],
    ['it is renamed', true, () => fs.renameSync(path, `${path}.old`)],
    ['its folder is renamed', true, () => fs.renameSync(join(dir, 'folder'), join(dir, 'moved'))],
    [
      'its folder is restored from a copy',
      true,
      () => {
        fs.cpSync(join(dir, 'folder'), join(dir, 'copy'), { recursive: true })
        fs.renameSync(join(dir, 'folder'), join(dir, 'moved'))
        fs.renameSync(join(dir, 'copy'), join(dir, 'folder'))
      },
    ],
    [
      'its folder becomes a file',
      true,
      () => {
        fs.renameSync(join(dir, 'folder'), join(dir, 'moved'))
        fs.writeFileSync(join(dir, 'folder'), '')
      },
    ],
  ]
  it.each(changes)('if %s returns %s', (_what, expected, change) => {
    const file = openToRead(realDisk, path)
    change()
    expect(isReplaced(realDisk, file, path)).toBe(expected)
    fs.closeSync(file)
  })

  it('needs no look at the path of a file that was removed', () => {
    const file = openToRead(realDisk, path)
    fs.rmSync(path)
    const disk = diskWith((call) => {
      if (call === 'statSync') throw errno('EIO')
    })
    expect(isReplaced(disk, file, path)).toBe(true)
    fs.closeSync(file)
  })

  it('throws if the disk does not show what is at the path', () => {
    const file = openToRead(realDisk, path)
    const disk = diskWith((call) => {
      if (call === 'statSync') throw errno('EIO')
    })
    expect(() => isReplaced(disk, file, path)).toThrow('EIO')
    fs.closeSync(file)
  })
})

it('closeQuietly() closes a file, and ignores a close that fails', () => {
  const file = openToRead(realDisk, path)
  closeQuietly(realDisk, file)
  expect(() => fs.fstatSync(file)).toThrow('EBADF')
  expect(() => closeQuietly(realDisk, file)).not.toThrow()
})

it('withFile() resolves to the result of its task, and closes the file also after a failure', async () => {
  const opened: number[] = []
  const read = async (file: number) => {
    opened.push(file)
    return fs.readFileSync(file, 'utf8')
  }
  expect(await withFile(realDisk, path, read)).toBe('content')
  const fail = async (file: number) => {
    opened.push(file)
    throw new Error('unreadable')
  }
  await expect(withFile(realDisk, path, fail)).rejects.toThrow('unreadable')
  expect(opened).toHaveLength(2)
  for (const file of opened) expect(() => fs.fstatSync(file)).toThrow('EBADF')
})

describe('a file whose creation failed', () => {
  it('is closed and removed under each of its names', () => {
    const file = openToRead(realDisk, path)
    const aside = `${path}.tmp`
    fs.writeFileSync(aside, '')
    discardFile(realDisk, file, aside, path)
    expect(() => fs.fstatSync(file)).toThrow('EBADF')
    expect(fs.readdirSync(join(dir, 'folder'))).toEqual([])
  })

  it('that cannot be removed stays without an error, and does not keep the others', () => {
    const file = openToRead(realDisk, path)
    fs.mkdirSync(`${path}.tmp`)
    discardFile(realDisk, file, `${path}.tmp`, path)
    removeQuietly(realDisk, join(dir, 'missing', 'file'))
    expect(fs.readdirSync(join(dir, 'folder'))).toEqual(['a.log.tmp'])
  })
})
