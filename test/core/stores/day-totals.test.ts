import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { compactJournal } from '../../../packages/core/src/journal/compact-journal.ts'
import { fileStoreOn } from '../../../packages/core/src/stores/file-store.ts'
import { batches, callsOf, day, oneLinePerUserOnce } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { diskOf, type StoreFolder } from '../../support/store-folder.ts'

const folder: StoreFolder = diskOf(beforeEach, afterEach)
const all = { ada: 3, ben: 2 }

/** Two journals of one day. */
async function twoJournals(): Promise<void> {
  for (const gained of [{ ada: 3 }, { ben: 2 }]) {
    const store = await folder.open()
    await store.add(batches()(gained))
    await store.close()
  }
}

/**
 * Reads the totals of the day once for each file it opens on the way, and lets `happen` come just before that file is opened.
 *
 * @returns what each reading told
 */
async function readingsWhile(happen: (dir: string) => void): Promise<unknown[]> {
  const readings: unknown[] = []
  for (let nth = 1, isOver = false; !isOver; nth++) {
    const dir = folder.afterKill()
    let opened = 0
    let isReading = false
    const disk = diskWith((call) => {
      if (!isReading || call !== 'openSync') return
      opened += 1
      if (opened === nth) happen(dir)
    })
    const store = await folder.open({ dir }, disk)
    isReading = true
    readings.push(await callsOf(store))
    isReading = false
    isOver = opened < nth
    await store.close()
  }
  expect(readings.length, 'files were opened').toBeGreaterThan(2)
  return readings
}

describe('totals of a day that changes on the disk while they are read', () => {
  it.each([1, 2])(
    'closed by another process, which has removed %d of two journals: all of them or none',
    async (removed) => {
      await twoJournals()
      const closedDir = folder.afterKill()
      const closer = await folder.open({ dir: closedDir })
      await closer.closeDay(day, oneLinePerUserOnce())
      const lines = join('outbox', `${day}.0.lines`)
      const readings = await readingsWhile((dir) => {
        fs.copyFileSync(join(closedDir, lines), join(dir, lines))
        const journals = join(dir, 'journals', day)
        for (const name of fs.readdirSync(journals).slice(0, removed)) fs.rmSync(join(journals, name))
      })
      for (const reading of readings) expect([all, {}]).toContainEqual(reading)
      expect(readings).toContainEqual({})
    },
  )

  it('joined by its writer: all of them, once', async () => {
    const batch = batches()
    const writer = await folder.openStore(fileStoreOn(realDisk, { dir: folder.dir }, 1))
    const table = {}
    for (const gained of [{ ada: 1 }, { ada: 2 }, { ben: 2 }]) await writer.add(batch(gained, day, table))
    await writer.close()
    const joinedDir = folder.afterKill()
    const [name = ''] = fs.readdirSync(join(joinedDir, 'journals', day))
    const journalId = name.split('.')[0] as string
    expect(await compactJournal(realDisk, joinedDir, { day, journalId, lastSegment: 2 })).toBe(true)
    const joined = fs.readdirSync(join(joinedDir, 'journals', day))
    const readings = await readingsWhile((dir) => {
      const journals = join(dir, 'journals', day)
      for (const file of joined) fs.copyFileSync(join(joinedDir, 'journals', day, file), join(journals, file))
      for (const file of fs.readdirSync(journals)) if (!joined.includes(file)) fs.rmSync(join(journals, file))
    })
    expect(readings).toEqual(readings.map(() => all))
  })

  it('on a disk that fails end in a UsageError, and every file is closed', async () => {
    await twoJournals()
    const open = new Set<unknown>()
    let isBroken = false
    const disk = {
      ...realDisk,
      openSync: (...args: Parameters<typeof realDisk.openSync>) => {
        if (isBroken && open.size > 0) throw errno('EMFILE')
        const file = realDisk.openSync(...args)
        if (isBroken) open.add(file)
        return file
      },
      closeSync(file: number) {
        open.delete(file)
        realDisk.closeSync(file)
      },
    }
    const store = await folder.open({}, disk)
    isBroken = true
    await expect(callsOf(store)).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
    expect([...open]).toEqual([])
    isBroken = false
    expect(await callsOf(store)).toEqual(all)
  })

  it('given up in between leave no file open', async () => {
    await twoJournals()
    const open = new Set<unknown>()
    const disk = {
      ...realDisk,
      openSync(...args: Parameters<typeof realDisk.openSync>) {
        const file = realDisk.openSync(...args)
        if (String(args[0]).endsWith('.log')) open.add(file)
        return file
      },
      closeSync(file: number) {
        open.delete(file)
        realDisk.closeSync(file)
      },
    }
    const store = await folder.open({}, disk)
    let opened = 0
    for await (const _ of store.totals(day)) {
      opened = open.size
      break
    }
    expect(opened).toBeGreaterThan(0)
    expect([...open]).toEqual([])
  })
})

it('a file that its writer cuts back while it is read ends there', async () => {
  await twoJournals()
  let size = 0
  const disk = {
    ...realDisk,
    // As large as before the cut.
    fstatSync: ((file: number) => {
      const stat = realDisk.fstatSync(file)
      size = stat.size
      return Object.assign(stat, { size: size + 100 })
    }) as typeof realDisk.fstatSync,
  }
  const store = await folder.open({}, disk)
  expect(await callsOf(store)).toEqual(all)
  expect(size).toBeGreaterThan(0)
})
