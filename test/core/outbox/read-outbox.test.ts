import fs from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import { encodeFrame, formatVersion, frameTypes } from '../../../packages/core/src/files/frames.ts'
import { Inbox } from '../../../packages/core/src/outbox/inbox.ts'
import { Outbox } from '../../../packages/core/src/outbox/outbox.ts'
import { readWaitingLines, replayLog } from '../../../packages/core/src/outbox/read-outbox.ts'
import { day, line } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { outboxOf } from '../../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)
const opened: Outbox[] = []
afterEach(() => {
  for (const outbox of opened.splice(0)) outbox.close()
})

async function openOutbox(): Promise<Outbox> {
  const { dir, clock } = folder
  const damaged = folder.damagedOn()
  const outbox = await Outbox.open({ disk: realDisk, dir, epoch: 1, clock, damaged, isReplaced: false })
  opened.push(outbox)
  return outbox
}

async function waiting(disk: Disk = realDisk): Promise<string[]> {
  const lines: string[] = []
  for await (const { id, state } of readWaitingLines(disk, folder.dir)) lines.push(`${id} ${state}`)
  return lines
}

const logPath = () => folder.path('state.1-1.log')

describe('the list of waiting lines', () => {
  it('has what the sending process has, while it goes on', async () => {
    const outbox = await openOutbox()
    await outbox.addFile(await folder.writeDay([line('a'), line('b'), line('c')]))
    expect(await waiting()).toEqual(['a pending', 'b pending', 'c pending'])
    await outbox.claim(2)
    await outbox.markAttempts(['a', 'b'], 5)
    await outbox.settle([{ id: 'a', state: 'delivered' }])
    expect(await waiting()).toEqual(['b unconfirmed', 'c pending'])
  })

  it('is empty for a folder without an outbox', async () => {
    fs.rmdirSync(folder.outbox)
    expect(await waiting()).toEqual([])
  })

  it('has the lines in the inbox last, and one that is in the outbox as well only once', async () => {
    const outbox = await openOutbox()
    const inbox = new Inbox(
      { disk: realDisk, dir: folder.dir, now: folder.clock.now, onDamage() {} },
      'other',
    )
    await inbox.leave([line('a'), line('b')])
    await outbox.put([line('b'), line('c')])
    expect(await waiting()).toEqual(['b pending', 'c pending', 'a pending'])
  })

  it('has every line of a long day, in its order', async () => {
    const lines = Array.from({ length: 2_500 }, (_, index) => line(`line ${index}`))
    await folder.writeDay(lines)
    await openOutbox().catch(() => {})
    const ids = (await waiting()).map((one) => one.replace(/ \w+$/, ''))
    expect(ids).toEqual(lines.map(({ id }) => id))
  })

  it('leaves out a damaged file, which the sending process sets aside', async () => {
    await openOutbox()
    const name = await folder.writeDay([line('a')], { revision: 1 })
    await folder.writeDay([line('b')])
    fs.writeFileSync(folder.path(name), 'no header')
    expect(await waiting()).toEqual(['b pending'])
  })

  it('leaves out a file that was removed because its lines are settled', async () => {
    await openOutbox()
    const name = await folder.writeDay([line('a')])
    const disk = diskWith((call, [path]) => {
      if (call === 'lstatSync' && path === folder.path(name)) fs.rmSync(folder.path(name), { force: true })
    })
    expect(await waiting(disk)).toEqual([])
  })

  it('fails when the disk cannot read a file, instead of listing too few', async () => {
    await openOutbox()
    const name = await folder.writeDay([line('a')])
    const disk = diskWith((call, [path]) => {
      if (call === 'openSync' && path === folder.path(name)) throw errno('EMFILE')
    })
    await expect(waiting(disk)).rejects.toThrow('EMFILE')
  })

  it.each(['missing', 'damaged'])('has lines as unconfirmed when the log is %s', async (how) => {
    const outbox = await openOutbox()
    await outbox.put([line('a')])
    if (how === 'missing') fs.rmSync(logPath())
    else fs.writeFileSync(logPath(), 'no log')
    expect(await waiting()).toEqual(['a unconfirmed'])
    expect(folder.damages, 'the sending process reports it').toEqual([])
  })
})

describe('the log, for the process that sends', () => {
  const replay = (disk: Disk = realDisk) => replayLog(disk, folder.outbox, folder.damagedOn(disk))

  it('may be missing in a new folder', async () => {
    expect((await replay()).isLost).toBe(false)
    expect(folder.damages).toEqual([])
  })

  it('is reported when it is missing although there are lines', async () => {
    const name = await folder.writeDay([line('a')])
    const replayed = await replay()
    expect(replayed.isLost).toBe(true)
    expect(replayed.of(name).isUnconfirmed).toBe(true)
    expect(folder.damages).toMatchObject([{ path: folder.path('state.*.log'), copy: undefined }])
  })

  it('that ends within a write is used up to there', async () => {
    const outbox = await openOutbox()
    await outbox.put([line('a'), line('b')])
    await outbox.claim(9)
    await outbox.markAttempts(['a'], 5)
    await outbox.settle([{ id: 'a', state: 'delivered' }])
    fs.truncateSync(logPath(), fs.statSync(logPath()).size - 3)
    const replayed = await replay()
    expect([replayed.isLost, replayed.delivered]).toEqual([false, 0])
    expect(folder.damages).toEqual([])
  })

  it('that is damaged in the middle is used up to there, and copied', async () => {
    const outbox = await openOutbox()
    await outbox.put([line('a'), line('b')])
    const { size } = fs.statSync(logPath())
    await outbox.claim(9)
    await outbox.markAttempts(['a'], 5)
    await outbox.settle([{ id: 'b', state: 'delivered' }])
    const bytes = fs.readFileSync(logPath())
    bytes[size + 12] = 0xff
    fs.writeFileSync(logPath(), bytes)
    const replayed = await replay()
    expect([replayed.isLost, replayed.delivered]).toEqual([true, 0])
    expect(folder.damages).toMatchObject([{ path: logPath(), copy: expect.stringContaining('damaged') }])
  })

  it('that is no file is set aside', async () => {
    fs.mkdirSync(logPath())
    expect((await replay()).isLost).toBe(true)
    expect(fs.existsSync(logPath())).toBe(false)
    expect(folder.damages).toMatchObject([{ path: logPath() }])
  })

  it('of a newer version is refused, and listed from all the same', async () => {
    const header = Buffer.from(JSON.stringify({ format: formatVersion + 1, id: 'state.1-1' }))
    fs.writeFileSync(logPath(), encodeFrame(frameTypes.header, header, 0))
    await folder.writeDay([line('a')], { onDay: day })
    await expect(replay()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNREADABLE' })
    expect(await waiting()).toEqual(['a pending'])
  })

  it('fails while the disk cannot read it, and leaves it there', async () => {
    await openOutbox()
    const disk = diskWith((call, [path]) => {
      if (call === 'openSync' && path === logPath()) throw errno('EMFILE')
    })
    await expect(replay(disk)).rejects.toThrow('EMFILE')
    expect(fs.existsSync(logPath())).toBe(true)
  })
})
