import fs from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BitSet } from '../../../packages/core/src/files/bit-set.ts'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import type { OutboxLine } from '../../../packages/core/src/model/outbox-line.ts'
import { openLineFile } from '../../../packages/core/src/outbox/open-line-file.ts'
import {
  beginPutFile,
  FreshLines,
  newOutboxFile,
  type OutboxFile,
  readLine,
  readSingleLines,
  runOfDay,
} from '../../../packages/core/src/outbox/outbox-file.ts'
import { day, line } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { outboxOf } from '../../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)
const opened: number[] = []
afterEach(() => {
  for (const file of opened.splice(0)) fs.closeSync(file)
})
const lines = [line('t0'), line('t1'), line('t2'), line('d3', day, 'detail'), line('d4', day, 'detail')]

async function openDay({ done = [] as number[], isUnconfirmed = false } = {}): Promise<OutboxFile> {
  const name = await folder.writeDay(lines, { revision: 7 })
  const path = folder.path(name)
  const found = await openLineFile(realDisk, path, folder.damagedOn())
  if (found === undefined) throw new Error(`${path} was set aside`)
  opened.push(found.file)
  const record = { done: new BitSet(), undelivered: new BitSet(), isUnconfirmed }
  for (const index of done) record.done.add(index)
  return newOutboxFile({ ...found, name, path, number: 1 }, record, found.end)
}

const freshOf = (file: OutboxFile, rank: OutboxLine['rank']) =>
  new FreshLines(realDisk, file, runOfDay(file, rank))

async function idsOf(fresh: FreshLines): Promise<string[]> {
  const ids: string[] = []
  for (let next = await fresh.next(); next !== undefined; next = await fresh.next()) ids.push(next.line.id)
  return ids
}

describe('the lines without an attempt', () => {
  it('come in the order of the file, totals and details apart', async () => {
    const file = await openDay()
    expect(await idsOf(freshOf(file, 'total'))).toEqual(['t0', 't1', 't2'])
    expect(await idsOf(freshOf(file, 'detail'))).toEqual(['d3', 'd4'])
  })

  it('leave out those that are over and those that were read already', async () => {
    const file = await openDay({ done: [0, 4] })
    const totals = freshOf(file, 'total')
    expect((await totals.next())?.line.id).toBe('t1')
    expect(await idsOf(freshOf(file, 'total'))).toEqual(['t2'])
    expect(await idsOf(freshOf(file, 'detail'))).toEqual(['d3'])
  })

  it('have the place of their day and revision, and are pending', async () => {
    const next = await freshOf(await openDay(), 'detail').next()
    expect(next?.touched).toMatchObject({ day, rank: 'detail', order: 7, index: 3, state: 'pending' })
  })

  it('are unconfirmed in a file whose log was lost', async () => {
    const next = await freshOf(await openDay({ isUnconfirmed: true }), 'total').next()
    expect(next?.touched).toMatchObject({ state: 'unconfirmed', attempts: 1 })
  })

  it('grow with the file while day and rank are the same', async () => {
    const file = await openDay()
    const totals = new FreshLines(realDisk, file, { ...runOfDay(file, 'total'), end: 1 })
    expect([await idsOf(totals), totals.isAtEnd]).toEqual([['t0'], true])
    const more = { day, rank: 'total', first: 1, end: 3 } as const
    expect(totals.grow({ ...more, rank: 'detail' })).toBe(false)
    expect(totals.grow({ ...more, day: '2026-01-01' })).toBe(false)
    expect(totals.grow({ ...more, first: 2 })).toBe(false)
    expect(totals.grow(more)).toBe(true)
    expect([totals.isAtEnd, await idsOf(totals)]).toEqual([false, ['t1', 't2']])
  })

  it('end with an error at damage, which costs the line itself', async () => {
    const file = await openDay({ done: [0] })
    damageAt(file, (await offsetsOf(file))[1] as number, 12)
    const totals = freshOf(file, 'total')
    await expect(totals.next()).rejects.toThrow('cannot be read at')
    expect(await totals.skip()).toEqual([1])
    expect(await idsOf(totals)).toEqual(['t2'])
  })

  it('are lost behind a line whose length is damaged, except those that are over', async () => {
    const file = await openDay({ done: [2] })
    damageAt(file, (await offsetsOf(file))[0] as number, 6)
    const totals = freshOf(file, 'total')
    await expect(totals.next()).rejects.toThrow('cannot be read at')
    expect([await totals.skip(), totals.isAtEnd]).toEqual([[0, 1], true])
  })
})

async function offsetsOf(file: OutboxFile): Promise<number[]> {
  const offsets: number[] = []
  const totals = freshOf({ ...file, done: new BitSet(), touched: new Map() }, 'total')
  for (let next = await totals.next(); next !== undefined; next = await totals.next()) {
    offsets.push(next.touched.offset)
  }
  return offsets
}

function damageAt(file: OutboxFile, offset: number, at: number): void {
  const bytes = fs.openSync(file.path, 'r+')
  fs.writeSync(bytes, Buffer.from([0xff, 0xff]), 0, 2, offset + at)
  fs.closeSync(bytes)
}

it('single lines are read as runs of one day and rank, without those that are over', async () => {
  const file = await openDay({ done: [1] })
  const touched = new Map([
    [3, { offset: 9, state: 'unconfirmed' as const, attempts: 1, attemptedAtMs: 5, dueAtMs: 0 }],
  ])
  const ids: string[] = []
  const found = await readSingleLines(realDisk, file, touched, ({ id }) => ids.push(id))
  expect(ids).toEqual(lines.map(({ id }) => id))
  expect(found).toMatchObject({ how: 'clean', lines: 3, total: 5, touched: [{ index: 3, rank: 'detail' }] })
  expect(found.runs).toMatchObject([
    { day, rank: 'total', first: 0, end: 3, offset: file.headerEnd },
    { day, rank: 'detail', first: 4, end: 5 },
  ])
})

it('the body of a line is read again from its place in the file', async () => {
  const totals = freshOf(await openDay(), 'total')
  const read: OutboxLine[] = []
  for (let next = await totals.next(); next !== undefined; next = await totals.next()) {
    read.unshift(await readLine(realDisk, next.touched))
  }
  expect(read).toEqual(lines.slice(0, 3).reverse())
})

describe('a file for single lines', () => {
  it('is there before it is noted, and is empty', async () => {
    const seen: string[][] = []
    const file = await beginPutFile(realDisk, folder.outbox, 4, ({ number, name }) => {
      seen.push([String(number), name, ...fs.readdirSync(folder.outbox)])
    })
    opened.push(file.file)
    expect(seen).toEqual([['4', file.name, file.name]])
    expect(file).toMatchObject({ open: 0, size: fs.statSync(file.path).size, isUnconfirmed: false })
  })

  it('leaves nothing when it cannot be noted', async () => {
    const note = () => {
      throw new Error('no log')
    }
    await expect(beginPutFile(realDisk, folder.outbox, 1, note)).rejects.toThrow('no log')
    expect(fs.readdirSync(folder.outbox)).toEqual([])
  })

  it.each(['writeSync', 'renameSync', 'fsync'] as const)('leaves nothing when %s fails', async (failing) => {
    const disk = diskWith((call) => {
      if (call === failing) throw errno('EIO')
    })
    await expect(beginPutFile(disk, folder.outbox, 1, () => {})).rejects.toThrow('EIO')
    expect(fs.readdirSync(folder.outbox)).toEqual([])
  })
})
