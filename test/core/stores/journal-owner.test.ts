import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { encodeFrame, formatVersion, frameTypes } from '../../../packages/core/src/files/frames.ts'
import { type JournalFile, journalsOf } from '../../../packages/core/src/journal/journal-files.ts'
import { journalOwner } from '../../../packages/core/src/stores/journal-owner.ts'
import { thisHost } from '../../../packages/core/src/stores/liveness.ts'
import { createSilence, type Silence } from '../../../packages/core/src/stores/silence.ts'
import { batches, day } from '../../support/count-batch.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)
const hourMs = 3_600_000
let silence: Silence
beforeEach(() => {
  silence = createSilence(folder.clock)
})

/** The owner of the only journal in a folder. */
function owner(dir = folder.dir) {
  const [files] = [...journalsOf(realDisk, dir, day).values()]
  return journalOwner({ disk: realDisk, dir, silence, now: folder.clock.now }, files as JournalFile[])
}

/** Writes the journal of another host, which last wrote at a time. */
function journalFrom(host: { host: string; boot: string }, atMs: number): void {
  const journalId = 'ffffffffffffffff-0'
  const header = { format: formatVersion, journalId, day, timeZone: 'UTC', ...host, firstSequence: 1 }
  const path = join(folder.dir, 'journals', day, `${journalId}.1-1.log`)
  fs.mkdirSync(join(folder.dir, 'journals', day), { recursive: true })
  fs.writeFileSync(path, encodeFrame(frameTypes.header, Buffer.from(JSON.stringify(header)), 0))
  fs.utimesSync(path, new Date(atMs), new Date(atMs))
}

const elsewhere = { host: 'another', boot: 'another' }

describe('the owner of a journal', () => {
  it('is alive while its process counts', async () => {
    const store = await folder.open()
    await store.add(batches()({ ada: 1 }))
    expect(await owner()).toEqual({ state: 'alive' })
  })

  it('is done with a day that it sealed, although it is alive', async () => {
    const store = await folder.open()
    await store.add(batches()({ ada: 1 }))
    await store.seal(day)
    expect(await owner()).toEqual({ state: 'done' })
  })

  it('is done when its process was killed', async () => {
    const store = await folder.open()
    await store.add(batches()({ ada: 1 }))
    expect(await owner(folder.afterKill())).toEqual({ state: 'done' })
  })

  it('is done when it wrote before this host was started again', async () => {
    journalFrom({ ...thisHost, boot: 'before' }, folder.clock.now())
    expect(await owner()).toEqual({ state: 'done' })
  })

  it('is done when its file has no header, because nothing was counted in it', async () => {
    journalFrom(elsewhere, folder.clock.now())
    const [name] = fs.readdirSync(join(folder.dir, 'journals', day))
    fs.truncateSync(join(folder.dir, 'journals', day, name as string))
    expect(await owner()).toEqual({ state: 'done' })
  })

  it('on another host cannot be seen, and is done after 24 hours without a write', async () => {
    journalFrom(elsewhere, folder.clock.now())
    expect(await owner()).toEqual({ state: 'unseen', host: 'another' })
    await folder.clock.advance(24 * hourMs)
    expect(await owner()).toEqual({ state: 'unseen', host: 'another' })
    await folder.clock.advance(1)
    expect(await owner()).toEqual({ state: 'done' })
  })

  it('whose file is dated in the future is done 24 hours after it was first seen', async () => {
    journalFrom(elsewhere, folder.clock.now() + 1_000 * hourMs)
    expect(await owner()).toMatchObject({ state: 'unseen' })
    await folder.clock.advance(24 * hourMs + 1)
    expect(await owner()).toEqual({ state: 'done' })
  })
})
