import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { batches, callsOf, day, oneLinePerUserOnce } from '../../support/count-batch.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)

test('days that were sent leave no files behind after 40 days, but what was sent', async () => {
  const store = await folder.open()
  const batch = batches()
  const counts: number[] = []
  for (let past = 0; past < 60; past++) {
    const on = new Date(folder.clock.now()).toISOString().slice(0, 10)
    await store.add(batch({ ada: 1 }, on))
    await folder.clock.advance(24 * 3_600_000)
    await store.seal(on)
    await store.closeDay(on, oneLinePerUserOnce(on))
    const ids = (await store.claim(9)).lines.map(({ id }) => id)
    await store.markAttempts(ids, folder.clock.now())
    await store.settle(ids.map((id) => ({ id, state: 'delivered' as const })))
    counts.push(folder.files().filter((path) => !path.startsWith('sent')).length)
  }
  expect(counts.at(-1)).toBe(counts[42])
  expect(folder.files().filter((path) => path.startsWith('sent'))).toHaveLength(60)
})

test('a day of hundreds of journals is read and closed with 64 files open at most', async () => {
  for (let start = 0; start < 200; start++) {
    await folder.clock.advance(1)
    const store = await folder.open()
    await store.add(batches()({ ada: 1 }))
    await store.close()
  }
  const open = new Set<number>()
  let most = 0
  const disk = {
    ...realDisk,
    openSync: (...args: Parameters<typeof fs.openSync>) => {
      const file = realDisk.openSync(...args)
      most = Math.max(most, open.add(file).size)
      return file
    },
    closeSync: (file: number) => {
      open.delete(file)
      realDisk.closeSync(file)
    },
  }
  const store = await folder.open({}, disk)
  expect(await callsOf(store)).toEqual({ ada: 200 })
  expect(most).toBeLessThan(70)
  most = 0
  expect(await store.closeDay(day, oneLinePerUserOnce())).toMatchObject({ outcome: 'closed', calls: 200 })
  expect(most).toBeLessThan(10)
})

test('names in journals that are no day keep nothing open', async () => {
  const store = await folder.open()
  for (const name of ['2026-02-30', '2026-13-01', 'lost+found']) {
    fs.mkdirSync(join(folder.dir, 'journals', name), { recursive: true })
    fs.writeFileSync(join(folder.dir, 'journals', name, `${'0'.repeat(16)}-a.1-1.log`), 'x')
  }
  await store.add(batches()({ ada: 1 }))
  expect(await store.openDays()).toEqual([day])
})
