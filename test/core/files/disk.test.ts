import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeFolder, maySync, realDisk, replaceFile } from '../../../packages/core/src/files/disk.ts'
import { diskWith } from '../../support/failing-disk.ts'

let dir: string
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-disk-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

describe('makeFolder()', () => {
  it('creates a folder and its parents', () => {
    makeFolder(realDisk, join(dir, 'a/b/c'))
    makeFolder(realDisk, join(dir, 'a/b/c'))
    expect(fs.statSync(join(dir, 'a/b/c')).isDirectory()).toBe(true)
  })

  it.each([
    ['below /proc, where nothing can be made', '/proc/nope/usage', 'ENOENT'],
    ['below a file', `${import.meta.filename}/usage`, 'ENOTDIR'],
    ['with a name that is too long', `/tmp/${'x'.repeat(300)}/usage`, 'ENAMETOOLONG'],
    ['with a NUL in its name', '/tmp/a\0b', 'ERR_INVALID_ARG_VALUE'],
  ])('fails at once for a folder %s', (_where, path, code) => {
    expect(() => makeFolder(realDisk, path)).toThrow(expect.objectContaining({ code }))
  })

  it('fails at once for a link that leads nowhere', () => {
    fs.symlinkSync(join(dir, 'missing'), join(dir, 'link'))
    expect(() => makeFolder(realDisk, join(dir, 'link/usage'))).toThrow('EEXIST')
    expect(() => makeFolder(realDisk, join(dir, 'link'))).toThrow('EEXIST')
  })
})

describe('replaceFile()', () => {
  it('leaves one of two contents that come at once, whole, and no temporary file', async () => {
    const path = join(dir, 'fact')
    const contents = ['a', 'b'].map((letter) => Buffer.from(letter.repeat(100_000)))
    for (let round = 0; round < 20; round++) {
      await Promise.all(contents.map((content) => replaceFile(realDisk, path, content)))
      expect(contents.map(String)).toContain(fs.readFileSync(path, 'utf8'))
    }
    expect(fs.readdirSync(dir)).toEqual(['fact'])
  })

  it('removes its temporary file when the disk is full', async () => {
    const disk = diskWith((call) => {
      if (call === 'write') throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
    })
    await expect(replaceFile(disk, join(dir, 'fact'), Buffer.from('x'))).rejects.toThrow('ENOSPC')
    expect(fs.readdirSync(dir)).toEqual([])
  })

  it('goes on where Node does not let a process sync', async () => {
    const denied = Object.assign(new Error('fsync is disabled'), { code: 'ERR_ACCESS_DENIED' })
    const deny = (_file: number, done: (error: Error) => void) => done(denied)
    const disk = { ...realDisk, fsync: deny, fdatasync: deny } as unknown as typeof realDisk
    expect(await maySync(disk, dir)).toBe(false)
    await replaceFile(disk, join(dir, 'fact'), Buffer.from('x'))
    expect(fs.readFileSync(join(dir, 'fact'), 'utf8')).toBe('x')
  })
})

describe('openSync()', () => {
  const openings = ['w', 'w+', 'a', 'r+', 'wx', 'wx+'] as const

  it.each(openings)('with %s never writes through a link', (flags) => {
    const target = join(dir, 'target')
    fs.writeFileSync(target, 'precious')
    fs.symlinkSync(target, join(dir, 'link'))
    try {
      const file = realDisk.openSync(join(dir, 'link'), flags, 0o600)
      realDisk.writeSync(file, 'ours')
      realDisk.closeSync(file)
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toMatch(/ELOOP|EEXIST/)
    }
    expect(fs.readFileSync(target, 'utf8')).toBe('precious')
  })

  it.each(['w', 'w+'])('with %s replaces a link and a FIFO, and waits for no other process', (flags) => {
    fs.symlinkSync(join(dir, 'missing'), join(dir, 'link'))
    execFileSync('mkfifo', [join(dir, 'fifo')])
    for (const name of flags === 'w' ? ['link', 'fifo'] : ['link']) {
      realDisk.closeSync(realDisk.openSync(join(dir, name), flags, 0o600))
      expect(fs.lstatSync(join(dir, name)).isFile()).toBe(true)
    }
  })

  it('opens the folder of the store through a link, which is what its operator wants', () => {
    fs.symlinkSync(dir, join(dir, 'link'))
    realDisk.closeSync(realDisk.openSync(join(dir, 'link'), 'r'))
  })

  it('calls what a tool made of node:fs later', () => {
    const real = fs.openSync
    const seen: unknown[] = []
    fs.openSync = (...args) => {
      seen.push(args[0])
      return real(...args)
    }
    try {
      realDisk.closeSync(realDisk.openSync(join(dir, 'new'), 'w'))
    } finally {
      fs.openSync = real
    }
    expect(seen).toEqual([join(dir, 'new')])
  })
})
