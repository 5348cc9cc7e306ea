import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { batches, callsInLines, callsOf, day, oneLinePerUser } from '../../support/count-batch.ts'
import { diskWith, errno, writeShare } from '../../support/failing-disk.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)

/** Ways in which another folder comes to be at the path of an open one; what was counted before is `ada: 1`. */
const replacements: Array<[string, (dir: string) => void]> = [
  ['moved away', (dir) => fs.renameSync(dir, `${dir}-moved`)],
  [
    'restored from a copy',
    (dir) => {
      fs.cpSync(dir, `${dir}-copy`, { recursive: true, filter: (path) => !fs.statSync(path).isSocket() })
      fs.renameSync(dir, `${dir}-moved`)
      fs.renameSync(`${dir}-copy`, dir)
    },
  ],
  [
    'covered by an empty one',
    (dir) => {
      fs.renameSync(dir, `${dir}-moved`)
      fs.mkdirSync(dir)
    },
  ],
  ['removed', (dir) => fs.rmSync(dir, { recursive: true })],
]

afterEach(() => {
  for (const end of ['moved', 'copy']) fs.rmSync(`${folder.dir}-${end}`, { recursive: true, force: true })
})

describe.each(replacements)('a folder that is %s while it is in use', (_, replace) => {
  test('has everything counted before and afterwards, a second later at the latest', async () => {
    const store = await folder.open()
    const batch = batches()
    await store.add(batch({ ada: 1 }))
    replace(folder.dir)
    await store.add(batch({ ada: 1 }))
    await folder.clock.advance(1_000)
    await store.add(batch({ ada: 1 }))
    expect(await callsOf(await folder.open({ dir: folder.afterKill() }))).toEqual({ ada: 3 })
    expect(folder.told).toContain('store:degraded')
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 3 })
  })

  test.each(['sync', 'close'] as const)('is found at the latest by the next %s', async (what) => {
    const store = await folder.open()
    await store.add(batches()({ ada: 1 }))
    replace(folder.dir)
    if (what === 'sync') await folder.clock.advance(1_000)
    else await store.close()
    expect(await callsOf(await folder.open({ dir: folder.afterKill() }))).toEqual({ ada: 1 })
  })
})

test('a rescue that fails on a full disk leaves nothing in the way of the next one', async () => {
  let isFull = false
  const disk = diskWith((call, args) => {
    if (!isFull || call !== 'writeSync') return
    writeShare(args)
    throw errno('ENOSPC')
  })
  const store = await folder.open({}, disk)
  const batch = batches()
  await store.add(batch({ ada: 1 }))
  fs.rmSync(folder.dir, { recursive: true })
  await folder.clock.advance(1_000)
  isFull = true
  const next = batch({ ada: 1 })
  for (let time = 0; time < 3; time++) {
    expect(() => store.add(next), 'never taken while it is only in memory').toThrow(/ENOSPC/)
  }
  await expect(store.seal(day)).rejects.toThrow(/ENOSPC/)
  isFull = false
  await store.add(next)
  expect(fs.readdirSync(join(folder.dir, 'journals', day))).toHaveLength(1)
  expect(await callsInLines(await folder.open({ dir: folder.afterKill() }))).toEqual({ ada: 2 })
})

test('close() of a store whose counts can be rescued no more rejects', async () => {
  let isFull = false
  const disk = diskWith((call) => {
    if (isFull && call === 'mkdirSync') throw errno('ENOSPC')
  })
  const store = await folder.open({}, disk)
  await store.add(batches()({ ada: 1 }))
  fs.rmSync(folder.dir, { recursive: true })
  isFull = true
  await expect(store.close()).rejects.toThrow(/ENOSPC/)
})

test('a write and its cutting back that fail at the seal do not keep the day open', async () => {
  let failing: string[] = []
  const disk = diskWith((call) => {
    if (failing.includes(call)) throw errno('EIO')
  })
  const store = await folder.open({}, disk)
  await store.add(batches()({ ada: 1 }))
  failing = ['writeSync', 'ftruncateSync']
  await expect(store.seal(day)).rejects.toThrow(/EIO/)
  failing = []
  await store.seal(day)
  expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 1 })
})
