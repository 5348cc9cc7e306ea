import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { setAside } from '../../../packages/core/src/files/set-aside.ts'

let dir: string
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-disk-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

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
