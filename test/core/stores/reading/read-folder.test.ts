import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../../../../packages/core/src/files/disk.ts'
import { namespaceFolder } from '../../../../packages/core/src/stores/namespace-folder.ts'
import { readFolder } from '../../../../packages/core/src/stores/reading/read-folder.ts'
import { readOnlyDisk } from '../../../support/read-only-disk.ts'
import { diskOf } from '../../../support/store-folder.ts'

const disk = diskOf(beforeEach, afterEach)
const read = (dir = disk.dir) => readFolder(dir, readOnlyDisk)

describe('readFolder', () => {
  it('returns a reader for each namespace, that of the folder itself first', () => {
    const berlin = { product: 'AP-A-2', destination: 'api.aptrinsic.com.1', timeZone: 'Europe/Berlin' }
    const dry = { ...berlin, destination: 'dry-run.2' }
    namespaceFolder(realDisk, disk.dir, berlin)
    mkdirSync(namespaceFolder(realDisk, disk.dir, dry))
    expect(read().map(({ namespace, place }) => ({ namespace, place }))).toEqual([
      { namespace: berlin, place: disk.dir },
      { namespace: dry, place: join(disk.dir, 'AP-A-2@dry-run.2@Europe%2FBerlin') },
    ])
  })

  it('reads a store that was opened without a namespace', async () => {
    await disk.open()
    mkdirSync(join(disk.dir, 'journals/2026-11-23'), { recursive: true })
    expect(read()).toMatchObject([{ namespace: { product: '', timeZone: 'UTC' } }])
  })

  it('refuses what is no folder of a store, and says what to do', () => {
    expect(() => read()).toThrow(/has no counts of px-usage. Give the dir .*PX_USAGE_DIR/)
    expect(() => read(join(disk.dir, 'missing'))).toThrow('does not exist')
    writeFileSync(join(disk.dir, 'file'), '')
    expect(() => read(join(disk.dir, 'file'))).toThrow('is not a folder')
  })
})
