import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { leftoverFolders } from '../../../packages/core/src/stores/leftover-folders.ts'
import { namespaceFolder, namespaceName } from '../../../packages/core/src/stores/namespace-folder.ts'
import { createSilence } from '../../../packages/core/src/stores/silence.ts'
import { batches, day, line, oneLinePerUser } from '../../support/count-batch.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)
const zoned = (timeZone: string, productKey = 'AP-A-2') =>
  namespaceName({ productKey, baseUrl: 'https://api.aptrinsic.com', dryRun: false }, timeZone)
const own = zoned('UTC')
const other = zoned('Europe/Berlin')

/** Claims the folder of the store for `own`, and opens a store in the folder of another namespace. */
function openOther(name = other) {
  namespaceFolder(realDisk, folder.dir, own)
  return folder.open({ dir: namespaceFolder(realDisk, folder.dir, name) })
}

async function found(root = folder.dir): Promise<string[]> {
  const { clock } = folder
  const leftovers = await leftoverFolders(realDisk, root, own, { clock, silence: createSilence(clock) })
  return leftovers.map(({ timeZone }) => timeZone)
}

describe('what earlier processes left in another time zone', () => {
  it('is found when it has counts of a day that is open', async () => {
    const store = await openOther()
    await store.add(batches()({ ada: 1 }))
    await store.close()
    expect(await found()).toEqual(['Europe/Berlin'])
  })

  it('is found when it has lines that wait', async () => {
    const store = await openOther()
    await store.put([line('a')])
    await store.close()
    expect(await found()).toEqual(['Europe/Berlin'])
  })

  it('is found after its process was killed', async () => {
    const store = await openOther()
    await store.add(batches()({ ada: 1 }))
    expect(await found(folder.afterKill())).toEqual(['Europe/Berlin'])
  })

  it('is left to its process while that counts', async () => {
    const store = await openOther()
    await store.put([line('a')])
    await store.add(batches()({ ada: 1 }))
    expect(await found()).toEqual([])
  })

  it('is nothing when everything was closed and sent', async () => {
    const store = await openOther()
    await store.add(batches()({ ada: 1 }))
    await store.closeDay(day, oneLinePerUser())
    const { lines } = await store.claim(9)
    await store.settle(lines.map(({ id }) => ({ id, state: 'delivered' })))
    await store.close()
    expect(await found()).toEqual([])
  })

  it('is not taken from another product', async () => {
    const store = await openOther(zoned('Europe/Berlin', 'AP-B-2'))
    await store.put([line('a')])
    await store.close()
    expect(await found()).toEqual([])
  })

  it('is read only: nothing in the folder changes', async () => {
    const store = await openOther()
    await store.add(batches()({ ada: 1 }))
    await store.close()
    const before = folder.files()
    await found()
    expect(folder.files()).toEqual(before)
    expect(fs.existsSync(join(folder.dir, 'damaged'))).toBe(false)
  })
})
