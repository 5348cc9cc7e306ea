import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import type { Store } from '../../../packages/core/src/model/store.ts'
import { DayJournals } from '../../../packages/core/src/stores/day-journals.ts'
import { createSilence } from '../../../packages/core/src/stores/silence.ts'
import { batches, day, oneLinePerUserOnce } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { outboxOf } from '../../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)
let unseen: string[]
let newer: string[]
beforeEach(() => {
  unseen = []
  newer = []
})

function journalsIn(dir = folder.dir, disk: Disk = realDisk): DayJournals {
  return new DayJournals({
    ...{ disk, dir, now: folder.clock.now, silence: createSilence(folder.clock) },
    damaged: folder.damagedOn(disk),
    onNewer: (path) => void newer.push(path),
    onUnseen: (host) => void unseen.push(host),
  })
}

/** A store that has counted a day and was closed, or still runs. */
async function counted(gained: Record<string, number>, { onDay = day, runs = false } = {}): Promise<Store> {
  const store = await folder.open()
  await store.add(batches()(gained, onDay))
  if (!runs) await store.close()
  return store
}

const close = (journals: DayJournals, { force = false, mayCommit = (): boolean => true, onDay = day } = {}) =>
  journals.close(onDay, oneLinePerUserOnce(onDay), { force, mayCommit })
const journalFiles = (onDay = day) => fs.readdirSync(join(folder.dir, 'journals', onDay))
const lineFiles = () => fs.readdirSync(folder.outbox).filter((name) => name.endsWith('.lines'))
const onlyJournal = () => join(folder.dir, 'journals', day, journalFiles()[0] as string)

describe('the open days', () => {
  it('are the days with counts, oldest first', async () => {
    await counted({ ada: 1 }, { onDay: '2026-11-24' })
    await counted({ ada: 1 })
    expect(await journalsIn().openDays()).toEqual([day, '2026-11-24'])
  })

  it('leave out a day that was closed, although its journals could not be removed yet', async () => {
    await counted({ ada: 1 })
    const disk = diskWith((call, [path]) => {
      if (call === 'unlink' && String(path).includes('journals')) throw errno('EPERM')
    })
    await close(journalsIn(folder.dir, disk))
    expect(journalFiles()).toHaveLength(1)
    expect(await journalsIn().openDays()).toEqual([])
  })

  it('have a day whose journal cannot be read, so that the close handles the file', async () => {
    await counted({ ada: 1 })
    const disk = diskWith((call, [path]) => {
      if (call === 'openSync' && String(path).includes('journals')) throw errno('EMFILE')
    })
    expect(await journalsIn(folder.dir, disk).openDays()).toEqual([day])
  })
})

describe('the close of a day', () => {
  it('puts the counts of all journals into one file of lines, and removes the journals', async () => {
    await counted({ ada: 2 })
    await counted({ ada: 1, bob: 5 })
    expect(await close(journalsIn())).toEqual({
      result: { outcome: 'closed', revision: 0, lines: 2, calls: 8 },
      name: `${day}.0.lines`,
    })
    expect(fs.existsSync(join(folder.dir, 'journals', day))).toBe(false)
  })

  it('is empty for a day without counts', async () => {
    expect(await close(journalsIn())).toEqual({ result: { outcome: 'empty' } })
  })

  it('waits for a living writer, or takes what it has written by force and the rest later', async () => {
    const store = await folder.open()
    const batch = batches()
    await store.add(batch({ ada: 2 }))
    const journals = journalsIn()
    expect((await close(journals)).result).toEqual({ outcome: 'waiting', writers: 1 })
    expect((await close(journals, { force: true })).result).toMatchObject({ revision: 0, calls: 2 })
    await store.add(batch({ ada: 3 }))
    await store.close()
    expect((await close(journals)).result).toMatchObject({ revision: 1, calls: 3 })
  })

  it('changes nothing when the lease was lost meanwhile', async () => {
    await counted({ ada: 2 })
    const { result } = await close(journalsIn(), { mayCommit: () => false })
    expect(result).toEqual({ outcome: 'notLeader' })
    expect(lineFiles()).toEqual([])
    expect(journalFiles()).toHaveLength(1)
  })

  it('leaves out what a closed day contains, when its journal comes back', async () => {
    await counted({ ada: 2 })
    const path = onlyJournal()
    const bytes = fs.readFileSync(path)
    await close(journalsIn())
    fs.mkdirSync(join(folder.dir, 'journals', day))
    fs.writeFileSync(path, bytes)
    expect((await close(journalsIn())).result).toEqual({ outcome: 'empty' })
    expect(fs.existsSync(path)).toBe(false)
  })

  it('copies what follows damage, and counts what comes before it', async () => {
    const store = await folder.open()
    const batch = batches()
    await store.add(batch({ ada: 2 }))
    await store.seal(day)
    const { size } = fs.statSync(onlyJournal())
    await store.close()
    fs.appendFileSync(onlyJournal(), Buffer.alloc(200, 0xff))
    expect((await close(journalsIn())).result).toMatchObject({ outcome: 'closed', calls: 2 })
    expect(folder.damages).toMatchObject([{ what: 'the counts behind the damage' }])
    expect(fs.statSync(folder.damages[0]?.copy as string).size).toBeLessThanOrEqual(200 + size)
  })

  it('sets a journal aside that is no file, and counts the others', async () => {
    await counted({ ada: 2 })
    fs.mkdirSync(join(folder.dir, 'journals', day, 'ffffffffffffffff-0.1-1.log'))
    expect((await close(journalsIn())).result).toMatchObject({ outcome: 'closed', calls: 2 })
    expect(folder.damages).toMatchObject([{ what: 'its counts' }])
  })

  it('fails while the disk cannot read a journal, and changes nothing', async () => {
    await counted({ ada: 2 })
    const disk = diskWith((call, [path]) => {
      if (call === 'openSync' && String(path).includes('journals')) throw errno('EMFILE')
    })
    await expect(close(journalsIn(folder.dir, disk))).rejects.toThrow('EMFILE')
    expect(lineFiles()).toEqual([])
    expect((await close(journalsIn())).result).toMatchObject({ outcome: 'closed', calls: 2 })
  })
})

describe('after a crash between the close and the removal of journals', () => {
  it('the next start removes the journals that a closed day contains', async () => {
    await counted({ ada: 2 })
    await counted({ bob: 2 }, { onDay: '2026-11-24' })
    const disk = diskWith((call, [path]) => {
      if (call === 'unlink' && String(path).includes('journals')) throw errno('EPERM')
    })
    await close(journalsIn(folder.dir, disk))
    await journalsIn().sweep({ needs: () => true })
    expect(fs.readdirSync(join(folder.dir, 'journals'))).toEqual(['2026-11-24'])
  })

  it('the journal of a writer that still counts stays', async () => {
    await counted({ ada: 2 }, { runs: true })
    await close(journalsIn(), { force: true })
    await journalsIn().sweep({ needs: () => true })
    expect(journalFiles()).toHaveLength(1)
  })
})

describe('an old day', () => {
  const later = 41 * 24 * 3_600_000

  it('is forgotten when its lines are sent and it has no journal', async () => {
    await folder.writeDay([])
    const journals = journalsIn()
    await folder.clock.advance(later)
    journals.forgetOld({ needs: () => true })
    journals.forgetOld(undefined)
    expect(lineFiles()).toHaveLength(1)
    journals.forgetOld({ needs: () => false })
    expect(lineFiles()).toEqual([])
  })

  it('is kept while a journal of it exists, whose counts would be sent twice', async () => {
    await counted({ ada: 1 })
    await folder.writeDay([])
    await folder.clock.advance(later)
    journalsIn().forgetOld({ needs: () => false })
    expect(lineFiles()).toHaveLength(1)
  })
})
