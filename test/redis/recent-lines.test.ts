import type { ClaimedLine } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'
import { RecentLines } from '../../packages/redis/src/recent-lines.ts'
import { line } from '../support/count-batch.ts'

const claimed = (id: string, more: Partial<ClaimedLine> = {}): ClaimedLine => {
  return { ...line(id), state: 'pending', attempts: 0, attemptedAtMs: undefined, ...more }
}

describe('the lines that a process sent last', () => {
  it('are known as delivered, with their calls', () => {
    const recent = new RecentLines()
    recent.attempted([claimed('a', { calls: 7 }), claimed('b')], 1_000)
    recent.settled([{ id: 'a', state: 'delivered' }])
    expect([recent.deliveredCalls('a'), recent.deliveredCalls('b')]).toEqual([7, undefined])
  })

  it('are unconfirmed when Redis has lost that a request with them started', () => {
    const recent = new RecentLines()
    recent.attempted([claimed('a', { attempts: 1 })], 1_000)
    expect(recent.corrected(claimed('a'))).toMatchObject({
      ...{ state: 'unconfirmed', attempts: 2, attemptedAtMs: 1_000 },
    })
    const unconfirmed = claimed('a', { state: 'unconfirmed', attempts: 2, attemptedAtMs: 900 })
    expect(recent.corrected(unconfirmed)).toBe(unconfirmed)
    recent.settled([{ id: 'a', state: 'unconfirmed', waitMs: 5 }])
    expect(recent.corrected(claimed('a'))).toMatchObject({ state: 'unconfirmed' })
    recent.settled([{ id: 'a', state: 'pending', waitMs: 0 }])
    expect(recent.corrected(claimed('a'))).toMatchObject({ state: 'pending' })
  })

  it('are bounded in number, and the oldest are forgotten first', () => {
    const recent = new RecentLines(20)
    const lines = Array.from({ length: 21 }, (_, at) => claimed(`line ${at}`))
    recent.attempted(lines, 1_000)
    recent.settled(lines.map(({ id }) => ({ id, state: 'delivered' })))
    const known = lines.filter(({ id }) => recent.deliveredCalls(id) !== undefined)
    expect(known).toEqual(lines.slice(2))
  })
})
