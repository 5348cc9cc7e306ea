import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)

describe('an error of the file store', () => {
  it.each([
    ['ENOSPC', 'Free some space'],
    ['EDQUOT', 'quota'],
    ['EACCES', 'permission'],
    ['EPERM', 'permission'],
    ['EROFS', 'read-only'],
    ['EMFILE', 'ulimit -n'],
    ['ERR_ACCESS_DENIED', '--allow-fs-write'],
    ['EIO', 'Check that disk'],
    ['EWHATEVER', 'Check that disk'],
  ])('names %s and what the user can do about it, nothing else', async (code, cure) => {
    const disk = diskWith((call) => {
      if (call === 'renameSync') throw errno(code)
    })
    const store = await folder.open({}, disk)
    const error = await store.writeNote('n', '1').catch((error: Error) => error)
    expect(error).toMatchObject({
      code: 'PXU_ERR_STORE_UNAVAILABLE',
      message: expect.stringMatching(new RegExp(`${code}.*${cure}`)),
    })
    if (code !== 'ENOSPC' && code !== 'EDQUOT') expect((error as Error).message).not.toContain('space')
  })
})
