import fs from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import { frameSeed } from '../../../packages/core/src/files/frames.ts'
import { encodeLine } from '../../../packages/core/src/outbox/line-file.ts'
import { LineStates } from '../../../packages/core/src/outbox/line-states.ts'
import { beginPutFile, type TouchedLine } from '../../../packages/core/src/outbox/outbox-file.ts'
import { OutboxFiles } from '../../../packages/core/src/outbox/outbox-files.ts'
import { emptyRecord } from '../../../packages/core/src/outbox/outbox-log.ts'
import { day, line } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { outboxOf } from '../../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)
let states: LineStates<TouchedLine>
let files: OutboxFiles
const start = (disk: Disk = realDisk) => {
  const { clock, outbox } = folder
  states = new LineStates<TouchedLine>(clock)
  files = new OutboxFiles({ disk, folder: outbox, clock, damaged: folder.damagedOn(disk), states })
}
beforeEach(() => start())
afterEach(() => {
  for (const file of [...files.all]) files.close(file)
})

const open = (name: string, record = emptyRecord()) => files.open(name, files.nextNumber(), record)

/** Claims all that is due, and returns the ids. */
async function claimAll(): Promise<string[]> {
  const ids: string[] = []
  for (let next = await files.next(); next !== undefined; next = await files.next()) {
    ids.push(states.claim(next.touched, next.line).id)
  }
  return ids
}

/** Overwrites the content of the line that is `nth` in its file. */
function damage(name: string, id: string): void {
  const bytes = fs.readFileSync(folder.path(name))
  bytes.fill(0xff, bytes.indexOf(JSON.stringify({ id })), bytes.indexOf(JSON.stringify({ id })) + 4)
  fs.writeFileSync(folder.path(name), bytes)
}

describe('the files of an outbox', () => {
  it('give the lines of all files by day, totals first, and a revision after the first close', async () => {
    await open(await folder.writeDay([line('late')], { revision: 1 }))
    await open(await folder.writeDay([line('detail', day, 'detail'), line('total')]))
    await open(await folder.writeDay([line('old', '2026-11-22')], { onDay: '2026-11-22' }))
    expect(await claimAll()).toEqual(['old', 'total', 'late', 'detail'])
  })

  it('give a line with an attempt before what comes after it, and not before it is due', async () => {
    const record = emptyRecord()
    const name = await folder.writeDay([line('a'), line('b'), line('c')])
    const read = new OutboxFiles({
      ...folder,
      disk: realDisk,
      folder: folder.outbox,
      damaged: folder.damagedOn(),
      states,
    })
    await read.open(name, 1, emptyRecord())
    const { touched } = (await read.next()) as { touched: TouchedLine }
    for (const file of [...read.all]) read.close(file)
    start()
    const dueAtMs = folder.clock.now() + 1_000
    record.touched.set(0, {
      offset: touched.offset,
      state: 'unconfirmed',
      attempts: 1,
      attemptedAtMs: 5,
      dueAtMs,
    })
    record.done.add(1)
    await open(name, record)
    expect(states.counts()).toMatchObject({ pending: 1, unconfirmed: 1 })
    expect(await claimAll()).toEqual(['c'])
    await folder.clock.advance(1_000)
    expect(await claimAll()).toEqual(['a'])
  })

  it('take a line that was written at the end of a file for single lines', async () => {
    const file = await beginPutFile(realDisk, folder.outbox, files.nextNumber(), () => {})
    files.begin(file)
    files.append(file, line('a'), 100)
    files.append(file, line('b'), 50)
    expect(file).toMatchObject({ open: 2, end: { lines: 2 }, size: file.headerEnd + 150 })
    expect(states.counts()).toMatchObject({ pending: 2 })
  })

  it('give single lines in the order of arrival, also those that come while others are sent', async () => {
    const file = await beginPutFile(realDisk, folder.outbox, files.nextNumber(), () => {})
    files.begin(file)
    const put = (...lines: ReturnType<typeof line>[]) => {
      for (const one of lines) {
        const frame = encodeLine(one, frameSeed(file.header.id))
        fs.writeSync(file.file, frame, 0, frame.length, file.size)
        files.append(file, one, frame.length)
      }
    }
    put(line('a'), line('b'), line('detail', day, 'detail'), line('c'))
    expect((await files.next())?.line.id).toBe('a')
    put(line('d'), line('old', '2026-11-22'))
    expect(await claimAll()).toEqual(['old', 'b', 'c', 'd', 'detail'])
    put(line('e'))
    expect(await claimAll()).toEqual(['e'])
  })

  it('keep single lines that wait out of memory', async () => {
    const file = await beginPutFile(realDisk, folder.outbox, files.nextNumber(), () => {})
    files.begin(file)
    for (let at = 0; at < 100_000; at++) files.append(file, line(String(at)), 100)
    expect([file.open, file.touched.size, states.counts().pending]).toEqual([100_000, 0, 100_000])
  })

  it('remove a file for single lines that has none, and leave a settled day to be finished', async () => {
    const { file, name, path } = await beginPutFile(realDisk, folder.outbox, 1, () => {})
    fs.closeSync(file)
    await open(name)
    expect(fs.existsSync(path)).toBe(false)
    const record = emptyRecord()
    record.done.add(0)
    const closed = await folder.writeDay([line('a')])
    await open(closed, record)
    const [finished] = [...files.all]
    expect([finished?.name, finished?.open, files.needs(closed)]).toEqual([closed, 0, true])
    files.cutOff(finished as NonNullable<typeof finished>)
    expect(fs.existsSync(folder.path(closed))).toBe(true)
    expect(files.needs(closed)).toBe(false)
  })
})

describe('a file that cannot be read now', () => {
  it('delays no other, is needed meanwhile, and is opened 10 seconds later', async () => {
    const name = await folder.writeDay([line('a')])
    const other = await folder.writeDay([line('b')], { revision: 1 })
    let isBroken = true
    start(
      diskWith((call, [path]) => {
        if (isBroken && call === 'openSync' && path === folder.path(name)) throw errno('EMFILE')
      }),
    )
    await open(name)
    await open(other)
    expect(await claimAll()).toEqual(['b'])
    expect([files.needs(name), states.counts().closed]).toEqual([true, 1])
    isBroken = false
    await folder.clock.advance(10_000)
    await files.retryUnread()
    expect(await claimAll()).toEqual(['a'])
  })

  it('is in the records with which a new log begins', async () => {
    const name = await folder.writeDay([line('a')])
    start(
      diskWith((call) => {
        if (call === 'openSync') throw errno('EMFILE')
      }),
    )
    const record = emptyRecord()
    record.done.add(0)
    await open(name, record)
    expect(files.records()).toMatchObject([{ name, done: record.done.toString() }])
  })
})

describe('a damaged line', () => {
  it('costs itself, and is in no count any more', async () => {
    const name = await folder.writeDay([line('a'), line('b'), line('c'), line('d', day, 'detail')])
    damage(name, 'b')
    await open(name)
    expect(states.counts()).toMatchObject({ pending: 4 })
    expect(await claimAll()).toEqual(['a', 'c', 'd'])
    expect(states.counts()).toMatchObject({ closed: 3, pending: 3 })
    expect(folder.damages).toMatchObject([{ what: 'events that were to be sent' }])
  })

  it('with an attempt costs itself', async () => {
    const name = await folder.writeDay([line('a'), line('b')])
    await open(name)
    await claimAll()
    damage(name, 'b')
    const [file] = files.all
    if (file !== undefined) file.chunk = Buffer.alloc(0)
    await folder.clock.advance(300_000)
    expect(await claimAll()).toEqual(['a'])
    expect(file?.open).toBe(1)
    expect(states.counts()).toMatchObject({ closed: 1 })
  })

  it('that the disk may read later waits for 10 seconds', async () => {
    let isBroken = false
    start(
      diskWith((call) => {
        if (isBroken && call === 'read') throw errno('EIO')
      }),
    )
    await open(await folder.writeDay([line('a')]))
    await claimAll()
    for (const file of files.all) file.chunk = Buffer.alloc(0)
    await folder.clock.advance(300_000)
    isBroken = true
    await expect(files.next()).rejects.toThrow('EIO')
    expect(states.nextDueInMs()).toBe(10_000)
    isBroken = false
    await folder.clock.advance(10_000)
    expect(await claimAll()).toEqual(['a'])
  })
})

it('the records of a file leave out lines that were claimed without an attempt', async () => {
  await open(await folder.writeDay([line('a'), line('b'), line('c')]))
  const ids = await claimAll()
  const [attempted, waiting] = states.claimed(ids) as [TouchedLine, TouchedLine]
  states.attempt([attempted], 5)
  states.settle(waiting, { id: 'b', state: 'pending', waitMs: 1_000 })
  const [record] = files.records()
  expect(record?.touched).toMatchObject([
    [0, { state: 'unconfirmed', attempts: 1, attemptedAtMs: 5, dueAtMs: 0 }],
    [1, { state: 'pending', attempts: 0, dueAtMs: folder.clock.now() + 1_000 }],
  ])
})
