import { fakeClock } from '@px-usage/core/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { MemoryOutbox } from '../../../packages/core/src/outbox/memory-outbox.ts'
import { line } from '../../support/count-batch.ts'

let clock = fakeClock('2026-11-23T10:00:00Z')
let outbox = new MemoryOutbox(clock)
beforeEach(() => {
  clock = fakeClock('2026-11-23T10:00:00Z')
  outbox = new MemoryOutbox(clock)
})

const idsOf = ({ lines }: ReturnType<MemoryOutbox['claim']>) => lines.map(({ id }) => id)

describe('the outbox in memory', () => {
  it('lists the waiting lines in the order of sending, with their states', () => {
    outbox.put([line('new', '2026-11-23'), line('detail', '2026-11-22', 'detail'), line('old', '2026-11-22')])
    outbox.claim(1)
    outbox.markAttempts(['old'], 5)
    expect(outbox.waiting().map(({ id, state }) => [id, state])).toEqual([
      ['old', 'unconfirmed'],
      ['detail', 'pending'],
      ['new', 'pending'],
    ])
  })

  it('adds a line of a closed day once while it waits', () => {
    outbox.add([line('a')])
    outbox.add([line('a'), line('b')])
    expect(outbox.counts().closed).toBe(2)
  })

  it('puts a single line once, even after its delivery', () => {
    outbox.put([line('a')])
    outbox.claim(1)
    outbox.settle([{ id: 'a', state: 'delivered' }])
    outbox.put([line('a')])
    expect(outbox.counts()).toMatchObject({ closed: 1, delivered: 1, pending: 0 })
  })

  it('keeps a rejected line with the reply of PX and the time', () => {
    outbox.put([line('a')])
    outbox.claim(1)
    outbox.settle([{ id: 'a', state: 'rejected', reason: 'bad date' }])
    expect(outbox.rejected).toEqual([{ ...line('a'), reason: 'bad date', rejectedAtMs: clock.now() }])
    expect(outbox.waiting()).toEqual([])
  })

  it('claims up to the limit, and says when the next line falls due', async () => {
    outbox.put([line('a'), line('b')])
    expect(idsOf(outbox.claim(1))).toEqual(['a'])
    outbox.settle([{ id: 'a', state: 'pending', waitMs: 60_000 }])
    expect(idsOf(outbox.claim(9))).toEqual(['b'])
    expect(outbox.claim(9)).toEqual({ lines: [], nextDueInMs: 60_000 })
    await clock.advance(60_000)
    expect(idsOf(outbox.claim(9))).toEqual(['a'])
  })

  it('changes nothing when one of the lines was not claimed', () => {
    outbox.put([line('a'), line('b')])
    outbox.claim(1)
    const both = ['a', 'b'].map((id) => ({ id, state: 'delivered' as const }))
    expect(() => outbox.settle(both)).toThrow('The line "b" was not claimed.')
    expect(outbox.counts()).toMatchObject({ delivered: 0, pending: 2 })
  })
})
