import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import {
  mayAdopt,
  namespaceFolder,
  namespaceName,
  namespacesIn,
} from '../../../packages/core/src/stores/namespace-folder.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)
const us = 'https://api.aptrinsic.com'
const eu = 'https://api-eu.aptrinsic.com'
const emulator = 'http://127.0.0.1:4010'

const name = ({ productKey = 'AP-A-2', baseUrl = us, dryRun = false, timeZone = 'UTC' } = {}) =>
  namespaceName({ productKey, baseUrl, dryRun }, timeZone)

describe('the name of a namespace', () => {
  it('has the product, the host of PX and the time zone', () => {
    expect(name({ timeZone: 'America/New_York' })).toEqual({
      product: 'AP-A-2',
      destination: expect.stringMatching(/^api\.aptrinsic\.com\.[0-9a-f]{8}$/),
      timeZone: 'America/New_York',
    })
  })

  it('is the same for every spelling of a time zone', () => {
    expect(name({ timeZone: 'utc' })).toEqual(name({ timeZone: 'Etc/UTC' }))
  })

  it('differs between two addresses of one host, and shows an emulator and a dry run', () => {
    expect(name({ baseUrl: `${us}/a` }).destination).not.toBe(name({ baseUrl: `${us}/b` }).destination)
    expect(name({ baseUrl: emulator }).destination).toMatch(/^local-127\.0\.0\.1_4010\./)
    expect(name({ dryRun: true }).destination).toMatch(/^dry-run\./)
  })

  it('differs between product keys that look alike without what a file name may not have', () => {
    const [slash, colon] = ['AP/A', 'AP:A'].map((productKey) => name({ productKey }).product)
    expect(slash).toMatch(/^AP_A_[0-9a-f]{8}$/)
    expect(slash).not.toBe(colon)
    expect(name({ productKey: '' }).product).toMatch(/^no-product/)
  })
})

describe('what is left of a namespace', () => {
  it.each([
    ['of another time zone', {}, { timeZone: 'Europe/Berlin' }, true],
    ['of an address of PX that was corrected', {}, { baseUrl: eu }, true],
    ['of the same namespace', {}, {}, false],
    ['of another product', {}, { productKey: 'AP-B-2' }, false],
    ['of an emulator, for PX', {}, { baseUrl: emulator }, false],
    ['of PX, for an emulator', { baseUrl: emulator }, {}, false],
    ['of a dry run, for PX', {}, { dryRun: true }, false],
    [
      'of another zone of the same emulator',
      { baseUrl: emulator },
      { baseUrl: emulator, timeZone: 'Asia/Tokyo' },
      true,
    ],
  ])('%s may be sent: %j for %j is %s', (_what, own, other, expected) => {
    expect(mayAdopt(name(own), name(other))).toBe(expected)
  })
})

describe('the folder of a namespace', () => {
  it('is the folder of the store for the first one, and a subfolder for every other', () => {
    const [first, second] = [name(), name({ productKey: 'AP-B-2' })]
    expect(namespaceFolder(realDisk, folder.dir, first)).toBe(folder.dir)
    const other = namespaceFolder(realDisk, folder.dir, second)
    expect(other).toMatch(/AP-B-2@api\.aptrinsic\.com\.[0-9a-f]{8}@UTC$/)
    expect(namespaceFolder(realDisk, folder.dir, first)).toBe(folder.dir)
    fs.mkdirSync(other)
    expect(namespacesIn(realDisk, folder.dir)).toEqual([
      { ...first, dir: folder.dir },
      { ...second, dir: other },
    ])
  })

  it('has the time zone again that its name encodes', () => {
    const other = name({ timeZone: 'America/Argentina/Buenos_Aires' })
    namespaceFolder(realDisk, folder.dir, name())
    fs.mkdirSync(namespaceFolder(realDisk, folder.dir, other))
    expect(namespacesIn(realDisk, folder.dir)[1]?.timeZone).toBe(other.timeZone)
  })

  it('is a subfolder for the process that came second, although both saw an empty folder', () => {
    const first = name({ productKey: 'AP-B-2' })
    const disk = diskWith((call, [, path]) => {
      if (call === 'renameSync' && path === join(folder.dir, 'namespace') && !fs.existsSync(String(path)))
        namespaceFolder(realDisk, folder.dir, first)
    })
    expect(namespaceFolder(disk, folder.dir, name())).toMatch(/AP-A-2@/)
    expect(fs.readdirSync(folder.dir)).toEqual(['namespace'])
  })

  it('fails when the first namespace cannot be recorded, and leaves nothing', () => {
    const disk = diskWith((call) => {
      if (call === 'renameSync') throw errno('EROFS')
    })
    expect(() => namespaceFolder(disk, folder.dir, name())).toThrow('EROFS')
    expect(fs.readdirSync(folder.dir)).toEqual([])
  })

  it('is found among files and folders with other names', () => {
    namespaceFolder(realDisk, folder.dir, name())
    for (const other of ['journals', 'a@b', 'a@b@c@d', 'x y@z@UTC']) fs.mkdirSync(join(folder.dir, other))
    expect(namespacesIn(realDisk, folder.dir)).toHaveLength(1)
  })
})
