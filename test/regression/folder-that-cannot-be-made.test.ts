import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskOf } from '../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)

const places: Array<[where: string, dir: () => string, code: string]> = [
  ['below /proc', () => '/proc/nope', 'ENOENT'],
  ['deep below /proc', () => '/proc/nope/a/b/c', 'ENOENT'],
  ['below a file', () => join(folder.dir, 'plain', 'usage'), 'ENOTDIR'],
  ['in place of a file', () => join(folder.dir, 'plain'), 'EEXIST'],
  ['with a name that is too long', () => join(folder.dir, 'x'.repeat(300)), 'ENAMETOOLONG'],
  ['with a NUL in its name', () => join(folder.dir, 'a\0b'), 'null bytes'],
  ['behind a link that leads nowhere', () => join(folder.dir, 'dangling', 'usage'), 'EEXIST'],
  ['behind a link that leads to itself', () => join(folder.dir, 'loop', 'usage'), 'ELOOP'],
]

describe.skipIf(process.platform !== 'linux')('a folder that cannot be made', () => {
  it.each(places)('%s is an error with its reason, in bounded time', async (_where, dir, reason) => {
    fs.writeFileSync(join(folder.dir, 'plain'), '')
    fs.symlinkSync(join(folder.dir, 'missing'), join(folder.dir, 'dangling'))
    fs.symlinkSync('loop', join(folder.dir, 'loop'))
    await expect(folder.open({ dir: dir() })).rejects.toThrow(
      expect.objectContaining({
        code: 'PXU_ERR_STORE_UNAVAILABLE',
        message: expect.stringMatching(new RegExp(`${reason}.*PX_USAGE_DIR`)),
      }),
    )
  })
})
