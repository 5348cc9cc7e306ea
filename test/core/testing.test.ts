import { type ClaimedLine, fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'

const start = '2026-11-23T10:00:00Z'

describe('fakeClock()', () => {
  it.each([start, new Date(start), Date.parse(start)])('starts at %o, and stays there', async (given) => {
    const clock = fakeClock(given)
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect([clock.now(), clock.elapsed()]).toEqual([Date.parse(start), 0])
  })

  it('refuses a text that is no time', () => {
    expect(() => fakeClock('tomorrow')).toThrow('fakeClock("tomorrow"): Date cannot parse this.')
  })

  it('moves both times by advance(), and only the wall clock by step()', async () => {
    const clock = fakeClock(start)
    await clock.advance(5_000)
    expect([clock.now() - Date.parse(start), clock.elapsed()]).toEqual([5_000, 5_000])
    clock.step(-60_000)
    expect([clock.now() - Date.parse(start), clock.elapsed()]).toEqual([-55_000, 5_000])
  })

  it('runs timers in the order of their times, each at its own time', async () => {
    const clock = fakeClock(start)
    const ran: [string, number][] = []
    const note = (name: string) => () => void ran.push([name, clock.elapsed()])
    clock.setTimer(note('late'), 300)
    clock.setTimer(note('early'), 100)
    clock.setTimer(note('same time, later'), 100)
    clock.setTimer(note('past'), -50)
    await clock.advance(299)
    expect(ran).toEqual([
      ['past', 0],
      ['early', 100],
      ['same time, later', 100],
    ])
    await clock.advance(1)
    expect(ran.at(-1)).toEqual(['late', 300])
  })

  it('runs timers that a timer sets, within the same advance()', async () => {
    const clock = fakeClock(start)
    const ran: number[] = []
    const again = () => {
      ran.push(clock.elapsed())
      clock.setTimer(again, 100)
    }
    clock.setTimer(again, 100)
    await clock.advance(350)
    expect(ran).toEqual([100, 200, 300])
    expect(clock.elapsed()).toBe(350)
  })

  it('does not run a timer that was cancelled, and none by step()', async () => {
    const clock = fakeClock(start)
    const ran: string[] = []
    const cancel = clock.setTimer(() => ran.push('cancelled'), 100)
    clock.setTimer(() => ran.push('kept'), 200)
    clock.step(1_000)
    cancel()
    await clock.advance(150)
    expect(ran).toEqual([])
    await clock.advance(50)
    expect(ran).toEqual(['kept'])
  })

  it('lets promises and immediates of one timer finish before the next one runs', async () => {
    const clock = fakeClock(start)
    const ran: string[] = []
    clock.setTimer(async () => {
      await Promise.resolve()
      await new Promise((resolve) => setImmediate(resolve))
      ran.push('first')
    }, 100)
    clock.setTimer(() => ran.push('second'), 101)
    await clock.advance(101)
    expect(ran).toEqual(['first', 'second'])
  })
})

describe('inMemoryDelivery()', () => {
  const line = (kind: ClaimedLine['kind'], body: object): ClaimedLine => ({
    ...{ id: 'a', day: '2026-11-23', rank: 'total', calls: 1 },
    ...{ state: 'pending', attempts: 0, attemptedAtMs: undefined },
    ...{ kind, body: JSON.stringify(body) },
  })

  it('delivers everything, and keeps events and attributes apart, each in their order', async () => {
    const px = inMemoryDelivery()
    const lines = [
      line('event', { eventName: 'dailyApiCalls', identifyId: 'ann' }),
      line('user', { identifyId: 'ann', customAttributes: { dailyApiCalls: 5 } }),
      line('account', { id: 'acme', customAttributes: { dailyApiCalls: 7 } }),
      line('event', { eventName: 'dailyApiCalls', identifyId: 'ben' }),
    ]
    for (const each of lines) expect(await px.delivery(each)).toEqual({ outcome: 'delivered' })
    expect(px.events.map(({ identifyId }) => identifyId)).toEqual(['ann', 'ben'])
    expect(px.attributes).toEqual([
      { kind: 'user', id: 'ann', values: { dailyApiCalls: 5 } },
      { kind: 'account', id: 'acme', values: { dailyApiCalls: 7 } },
    ])
  })
})
