import { fakeClock } from '@px-usage/core/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { UsageError } from '../../../packages/core/src/errors.ts'
import { emptyRecord } from '../../../packages/core/src/outbox/outbox-log.ts'
import { UnreadFiles } from '../../../packages/core/src/outbox/unread-files.ts'
import { errno } from '../../support/failing-disk.ts'

let clock = fakeClock('2026-11-23T10:00:00Z')
let unread = new UnreadFiles(clock)
let tried: string[] = []
let unreadable = new Set<string>()
beforeEach(() => {
  clock = fakeClock('2026-11-23T10:00:00Z')
  unread = new UnreadFiles(clock)
  tried = []
  unreadable = new Set()
  for (const [number, name] of ['a.lines', 'b.lines'].entries())
    unread.add({ name, number, record: emptyRecord() })
})

const retry = () =>
  unread.retry(async ({ name }) => {
    tried.push(name)
    if (unreadable.has(name)) throw errno('EIO')
  })

describe('files of lines that could not be read', () => {
  it('are tried again every 10 seconds', async () => {
    unreadable = new Set(['a.lines', 'b.lines'])
    await retry()
    expect(tried).toEqual([])
    await clock.advance(10_000)
    await retry()
    await retry()
    expect(tried).toEqual(['a.lines', 'b.lines'])
    await clock.advance(10_000)
    await retry()
    expect(tried).toHaveLength(4)
  })

  it('leave when they are open, and one that still fails delays no other', async () => {
    unreadable = new Set(['a.lines'])
    await clock.advance(10_000)
    await retry()
    expect([unread.has('a.lines'), unread.has('b.lines')]).toEqual([true, false])
  })

  it('stay here until they are open, so that a log that begins meanwhile has them', async () => {
    await clock.advance(10_000)
    const during: string[][] = []
    await unread.retry(async () => void during.push(unread.records().map(({ name }) => name)))
    expect(during).toEqual([['a.lines', 'b.lines'], ['b.lines']])
  })

  it('written by a newer version fail the caller, and stay', async () => {
    await clock.advance(10_000)
    const newer = new UsageError('PXU_ERR_STORE_UNREADABLE', 'It was written by a newer px-usage.')
    await expect(unread.retry(() => Promise.reject(newer))).rejects.toBe(newer)
    expect(unread.has('a.lines')).toBe(true)
  })

  it('have in a new log what the earlier one contained about them', () => {
    const record = { ...emptyRecord(), isUnconfirmed: true }
    record.done.add(3)
    const line = { offset: 40, state: 'unconfirmed', attempts: 2, attemptedAtMs: 5, dueAtMs: 9 } as const
    record.touched.set(1, line)
    unread.add({ name: 'c.lines', number: 7, record })
    expect(unread.records().at(-1)).toEqual({
      ...{ name: 'c.lines', number: 7, isSuspect: true },
      ...{ done: record.done.toString(), touched: [[1, line]] },
    })
  })
})
