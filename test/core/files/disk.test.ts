import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeFolder, maySync, realDisk, replaceFile } from '../../../packages/core/src/files/disk.ts'
import { setAside } from '../../../packages/core/src/files/set-aside.ts'
import { isInContainerLayer } from '../../../packages/core/src/stores/container-layer.ts'
import { diskWith } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

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

describe('setAside()', () => {
  it('keeps at most 64 MB, but always the newest', () => {
    for (const megabytes of [40, 40, 80]) {
      fs.writeFileSync(join(dir, 'broken'), '')
      fs.truncateSync(join(dir, 'broken'), megabytes * 1024 * 1024)
      setAside(realDisk, dir, join(dir, 'broken'), 1_000)
      expect(fs.readdirSync(join(dir, 'damaged'))).toHaveLength(1)
    }
  })

  it.each<[string, (path: string) => void]>([
    ['a file', (path) => fs.writeFileSync(path, 'x')],
    ['a link', (path) => fs.symlinkSync(tmpdir(), path)],
  ])('moves %s that has the name of its folder out of the way', (_what, put) => {
    put(join(dir, 'damaged'))
    fs.writeFileSync(join(dir, 'broken'), 'x')
    expect(setAside(realDisk, dir, join(dir, 'broken'), 1_000)).toContain('damaged')
    expect(fs.lstatSync(join(dir, 'damaged')).isDirectory()).toBe(true)
    expect(fs.readdirSync(join(dir, 'damaged'))).toHaveLength(1)
  })

  it('keeps the newest hundred, whatever they are, and never throws', () => {
    for (let number = 0; number < 103; number++) {
      const path = join(dir, 'broken')
      if (number % 2 === 0) fs.writeFileSync(path, 'x')
      else fs.mkdirSync(join(path, 'inside'), { recursive: true })
      expect(setAside(realDisk, dir, path, 1_000)).toMatch(/damaged\/broken\.1970-01-01T000001\.000Z/)
    }
    expect(fs.readdirSync(join(dir, 'damaged'))).toHaveLength(100)
    expect(setAside(realDisk, dir, join(dir, 'broken'), 1_000)).toBeUndefined()
  })
})

describe('the folder of a store', () => {
  const folder = diskOf(beforeEach, afterEach)

  it('keeps itself out of a repository when px-usage makes it', async () => {
    await folder.open({ dir: join(folder.dir, 'new') })
    expect(fs.readFileSync(join(folder.dir, 'new/.gitignore'), 'utf8')).toBe('*\n')
  })

  it('with the name of the default gets a .gitignore also when it was there, but never another', async () => {
    const dir = join(folder.dir, '.px-usage')
    fs.mkdirSync(dir)
    await folder.open({ dir })
    expect(fs.readFileSync(join(dir, '.gitignore'), 'utf8')).toBe('*\n')
    fs.writeFileSync(join(dir, '.gitignore'), 'mine')
    await folder.open({ dir })
    expect(fs.readFileSync(join(dir, '.gitignore'), 'utf8')).toBe('mine')
  })

  it('is left as it is when it was there before', async () => {
    await folder.open()
    expect(fs.existsSync(join(folder.dir, '.gitignore'))).toBe(false)
  })

  it('that cannot be made is an error in bounded time', async () => {
    await expect(folder.open({ dir: '/proc/nope' })).rejects.toThrow(
      expect.objectContaining({
        code: 'PXU_ERR_STORE_UNAVAILABLE',
        message: expect.stringContaining('ENOENT'),
      }),
    )
  })

  it.skipIf(process.getuid?.() !== 0)(
    'of another user, or that every user can write to, is reported',
    async () => {
      fs.chownSync(folder.dir, 12_345, 12_345)
      await folder.open()
      expect(folder.warnings).toEqual(['PXU_WRN_STORE_FOREIGN_FOLDER'])
      fs.chownSync(folder.dir, 0, 0)
      fs.chmodSync(folder.dir, 0o777)
      await folder.open()
      expect(folder.warnings).toHaveLength(2)
    },
  )

  it('loses the temporary files that a crash left an hour ago', async () => {
    fs.mkdirSync(join(folder.dir, 'notes'))
    const left = join(folder.dir, 'notes', 'fact.0123.tmp')
    fs.writeFileSync(left, 'x')
    fs.utimesSync(left, new Date('2026-11-23T08:00:00Z'), new Date('2026-11-23T08:00:00Z'))
    await folder.open()
    expect(fs.readdirSync(join(folder.dir, 'notes'))).toEqual([])
  })

  const mountinfo = [
    '22 1 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/l,upperdir=/u',
    '30 22 8:1 / /data rw - ext4 /dev/sda1 rw',
    '31 22 8:1 / /my\\040data rw - ext4 /dev/sda1 rw',
    '32 22 0:22 / /database rw - overlay overlay rw',
  ].join('\n')
  it.each([
    ['/app/.px-usage', true],
    ['/data/px-usage', false],
    ['/my data/px-usage', false],
    ['/database/px-usage', true],
    ['/data', false],
  ])('at %s of a container is in its own layer: %s', (path, isLayer) => {
    const disk = { ...realDisk, readFileSync: () => Buffer.from(mountinfo) } as unknown as typeof realDisk
    expect(isInContainerLayer(disk, path)).toBe(isLayer)
  })

  it('in the own layer of a container is reported', async () => {
    const readFileSync = (path: string) =>
      path === '/proc/self/mountinfo' ? Buffer.from(mountinfo) : realDisk.readFileSync(path)
    await folder.open({}, { ...realDisk, readFileSync } as unknown as typeof realDisk)
    expect(folder.warnings).toEqual(['PXU_WRN_STORE_EPHEMERAL'])
  })
})
