import { fakeClock } from '@px-usage/core/testing'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  attempt,
  LineStates,
  type OpenLine,
  unattempted,
} from '../../../packages/core/src/outbox/line-states.ts'
import { line } from '../../support/count-batch.ts'

const hourMs = 3_600_000
let clock = fakeClock('2026-11-23T10:00:00Z')
let states = new LineStates<OpenLine>(clock)
beforeEach(() => {
  clock = fakeClock('2026-11-23T10:00:00Z')
  states = new LineStates<OpenLine>(clock)
})

function open(order = 0): OpenLine {
  const place = { day: '2026-11-23', rank: 'total', order } as const
  return { ...place, ...unattempted(false), dueAtElapsedMs: 0, isClaimed: false }
}

function claimed(id: string): OpenLine {
  const one = open()
  states.add(one)
  states.claim(states.next() as OpenLine, line(id))
  return one
}

describe('a line', () => {
  it('without a recorded attempt is pending, or unconfirmed if the records were lost', () => {
    expect(unattempted(false)).toEqual({ state: 'pending', attempts: 0, attemptedAtMs: undefined })
    expect(unattempted(true)).toEqual({ state: 'unconfirmed', attempts: 1, attemptedAtMs: undefined })
  })

  it('is unconfirmed from its attempt on, and each attempt is counted', () => {
    const state = unattempted(false)
    attempt(state, 5)
    attempt(state, 9)
    expect(state).toEqual({ state: 'unconfirmed', attempts: 2, attemptedAtMs: 9 })
  })

  it('that is pending again keeps its attempts', () => {
    const one = claimed('a')
    states.attempt([one], 7)
    states.settle(one, { id: 'a', state: 'pending', waitMs: 0 })
    expect(states.next()).toMatchObject({ state: 'pending', attempts: 1, attemptedAtMs: 7 })
  })

  it('that is over never comes again', async () => {
    const [first, second] = [claimed('a'), claimed('b')]
    expect(states.settle(first, { id: 'a', state: 'delivered' })).toBe(true)
    expect(states.settle(second, { id: 'b', state: 'rejected', reason: 'bad date' })).toBe(true)
    await clock.advance(hourMs)
    expect(states.next()).toBeUndefined()
    expect(states.counts()).toEqual({ closed: 2, delivered: 1, rejected: 1, pending: 0, unconfirmed: 0 })
  })

  it('that can no longer be read is in no count', () => {
    const one = open()
    states.add(one)
    states.count('unconfirmed', 3)
    states.lose(one)
    states.count('unconfirmed', -3)
    expect(states.counts()).toMatchObject({ closed: 0, pending: 0, unconfirmed: 0 })
    expect(states.next()).toBeUndefined()
  })
})

describe('a claim', () => {
  it('holds a line for 5 minutes, and then gives it out again', async () => {
    const one = claimed('a')
    expect(states.next()).toBeUndefined()
    expect(states.nextDueInMs()).toBe(300_000)
    await clock.advance(300_000)
    expect(states.next()).toBe(one)
  })

  it('has the content and the state of the line', () => {
    states.add(open())
    expect(states.claim(states.next() as OpenLine, line('a'))).toEqual({
      ...line('a'),
      ...unattempted(false),
    })
  })

  it('ends when the line is settled', () => {
    const one = claimed('a')
    expect(states.claimed(['a'])).toEqual([one])
    states.settle(one, { id: 'a', state: 'pending', waitMs: 0 })
    expect(() => states.claimed(['a'])).toThrow('The line "a" was not claimed.')
  })

  it('is refused for a line that is named twice, because its count would be wrong', () => {
    claimed('a')
    expect(() => states.claimed(['a', 'a'])).toThrow('name a line twice')
  })

  it('takes a line that is due only if no other comes before it', () => {
    const one = open(2)
    states.add(one)
    expect(states.next(open(1))).toBeUndefined()
    expect(states.next(open(3))).toBe(one)
  })
})

describe('after a restart', () => {
  it('the counts of settled lines go on', () => {
    expect(new LineStates(clock, { delivered: 4, rejected: 1 }).counts().closed).toBe(5)
  })

  it('a line waits for the rest of its time by the wall clock, and at most for an hour', async () => {
    const [soon, never] = [open(0), open(1)]
    states.add(soon, clock.now() + 1_000)
    states.add(never, clock.now() + 1_000 * hourMs)
    expect(states.nextDueInMs()).toBe(1_000)
    await clock.advance(1_000)
    expect(states.next()).toBe(soon)
    await clock.advance(hourMs - 1_000)
    expect(states.next()).toBe(never)
  })

  it('the time that is recorded of a line is that of its wait, and 0 for a claimed line', () => {
    const one = open()
    states.add(one)
    expect(states.dueAtMs(one)).toBe(0)
    states.wait(one, 60_000)
    expect(states.dueAtMs(one)).toBe(clock.now() + 60_000)
    states.claim(one, line('a'))
    expect(states.dueAtMs(one)).toBe(0)
  })

  it('the ids of the last 10,000 single lines are known', () => {
    for (let id = 0; id <= 10_000; id++) states.remember(String(id))
    expect([states.known.has('0'), states.known.has('1'), states.known.size]).toEqual([false, true, 10_000])
    states.remember('1')
    states.remember('new')
    expect([states.known.has('1'), states.known.has('2'), states.known.size]).toEqual([true, false, 10_000])
  })
})

it('the counts add up after any steps', () => {
  const settlement = fc.constantFrom('delivered', 'rejected', 'pending', 'unconfirmed')
  const step = fc.oneof(fc.constantFrom('add', 'attempt', 'lose'), settlement)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      states = new LineStates<OpenLine>(clock)
      const expected = { delivered: 0, rejected: 0 }
      const waiting = new Map<string, OpenLine>()
      for (const [place, step] of steps.entries()) {
        if (step === 'add') waiting.set(String(place), claimed(String(place)))
        const [id, one] = [...waiting][place % Math.max(waiting.size, 1)] ?? []
        if (step === 'add' || id === undefined || one === undefined) continue
        if (step === 'attempt') states.attempt(states.claimed([id]), place)
        else if (step === 'lose') states.lose(one)
        else if (step === 'pending' || step === 'unconfirmed') {
          states.settle(one, { id, state: step, waitMs: 0 })
          states.claim(states.next() as OpenLine, line(id))
        } else {
          states.settle(one, { id, state: step, reason: 'bad date' })
          expected[step] += 1
        }
        if (['lose', 'delivered', 'rejected'].includes(step)) waiting.delete(id)
      }
      const byState = (state: string) => [...waiting.values()].filter((one) => one.state === state).length
      const [pending, unconfirmed] = [byState('pending'), byState('unconfirmed')]
      const closed = expected.delivered + expected.rejected + pending + unconfirmed
      expect(states.counts()).toEqual({ ...expected, closed, pending, unconfirmed })
    }),
  )
})
