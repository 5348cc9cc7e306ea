import { fakeClock } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'
import { attributesOf } from '../../../packages/core/src/attributes/px-attributes.ts'
import {
  createRunningAttributes,
  isRunning,
  type RunningAttributesSettings,
} from '../../../packages/core/src/attributes/running-attributes.ts'
import type { DayUsage } from '../../../packages/core/src/day/rollup.ts'
import type { OutboxLine } from '../../../packages/core/src/model/outbox-line.ts'
import { memoryNotes } from '../../support/memory-notes.ts'

const everyMs = 600_000
const rollups = [{ eventName: 'dailyApiCalls', by: 'identity' }] as const
const counts = { closed: 0, delivered: 0, pending: 0, unconfirmed: 0, rejected: 0 }

function usageOf(userId: string, accountId: string | undefined, apiCalls: number, day: string): DayUsage {
  return {
    ...{ eventName: 'dailyApiCalls', day, properties: {}, endpoint: undefined, measures: { apiCalls } },
    ...{ identity: accountId === undefined ? { userId } : { userId, accountId } },
    ...{ revision: 0, rollupId: `${userId} ${day}`, rank: 'total', calls: apiCalls },
  }
}

/** A process with running attributes. Another one may share its notes. */
function setUp(notes = memoryNotes(), changes: Partial<RunningAttributesSettings> = {}) {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const state = { isSender: true, counts, isAffordable: true, day: '2026-11-23', isFull: false }
  const calls = new Map<string, { accountId?: string | undefined; apiCalls: number }>()
  const lines: OutboxLine[] = []
  let wakes = 0
  const running = createRunningAttributes({
    names: { user: { apiCalls: 'callsToday' }, account: { apiCalls: 'accountToday' } },
    ...{ everyMs, rollups, timeZone: 'UTC', productKey: 'AP-1', clock },
    store: {
      ...notes,
      isSender: async () => state.isSender,
      outboxCounts: () => state.counts,
      async put(given) {
        if (state.isFull) throw new Error('disk full')
        lines.push(...given)
      },
    },
    today: () => state.day,
    async *usages(day) {
      for (const [userId, { accountId, apiCalls }] of calls) yield usageOf(userId, accountId, apiCalls, day)
    },
    isAffordable: () => state.isAffordable,
    onPut() {
      wakes += 1
    },
    ...changes,
  })
  /** Waits an interval, and returns what was put then as [kind, id, values]. */
  async function nextPut() {
    await clock.advance(everyMs)
    lines.length = 0
    await running.putIfDue()
    return lines.map((line) => {
      const { kind, id, values } = attributesOf(line)
      return [kind, id, values]
    })
  }
  const set = (userId: string, apiCalls: number, accountId?: string) =>
    void calls.set(userId, { accountId, apiCalls })
  return { clock, state, calls, lines, running, nextPut, set, notes, wakes: () => wakes }
}

describe('putIfDue()', () => {
  it('sets the numbers of users, and their sums of accounts, when the interval is over', async () => {
    const { clock, running, lines, set, nextPut } = setUp()
    set('ann', 5, 'acme')
    set('ben', 7, 'acme')
    await clock.advance(everyMs - 1)
    await running.putIfDue()
    expect(lines).toEqual([])
    await clock.advance(1)
    await running.putIfDue()
    expect(lines.map((line) => attributesOf(line))).toEqual([
      { kind: 'user', id: 'ann', values: { callsToday: 5 } },
      { kind: 'user', id: 'ben', values: { callsToday: 7 } },
      { kind: 'account', id: 'acme', values: { accountToday: 12 } },
    ])
    expect(lines.every(isRunning)).toBe(true)
    await running.putIfDue()
    expect(lines).toHaveLength(3)
    expect(await nextPut()).toEqual([])
  })

  it('sets only what has changed, and wakes the sender only then', async () => {
    const { set, nextPut, wakes } = setUp()
    set('ann', 5)
    set('ben', 7)
    await nextPut()
    set('ben', 8)
    expect(await nextPut()).toEqual([['user', 'ben', { callsToday: 8 }]])
    expect(wakes()).toBe(2)
    expect(await nextPut()).toEqual([])
    expect(wakes()).toBe(2)
  })

  it('sets 0 when a day begins without calls of a user, once', async () => {
    const { set, calls, nextPut, state } = setUp()
    set('ann', 5, 'acme')
    await nextPut()
    calls.clear()
    state.day = '2026-11-24'
    expect(await nextPut()).toEqual([
      ['user', 'ann', { callsToday: 0 }],
      ['account', 'acme', { accountToday: 0 }],
    ])
    expect(await nextPut()).toEqual([])
  })

  it('leaves the value of a user whose calls of the same day are missing for once', async () => {
    const { set, calls, nextPut } = setUp()
    set('ann', 5)
    await nextPut()
    calls.clear()
    expect(await nextPut()).toEqual([])
  })

  it('remembers the values over a restart, but not those of other names', async () => {
    const first = setUp()
    first.set('ann', 5)
    first.set('ben', 7)
    await first.nextPut()
    const restarted = setUp(first.notes)
    restarted.set('ann', 5)
    restarted.set('ben', 9)
    expect(await restarted.nextPut()).toEqual([['user', 'ben', { callsToday: 9 }]])
    const renamed = setUp(first.notes, { names: { user: { apiCalls: 'other' }, account: {} } })
    renamed.set('ann', 5)
    expect(await renamed.nextPut()).toEqual([['user', 'ann', { other: 5 }]])
  })

  it('sets no values while the outbox has lines, or the budget is short', async () => {
    const { set, nextPut, state } = setUp()
    set('ann', 5)
    for (const waiting of [{ pending: 1 }, { unconfirmed: 1 }]) {
      state.counts = { ...counts, ...waiting }
      expect(await nextPut()).toEqual([])
    }
    state.counts = { ...counts, delivered: 9, rejected: 9 }
    state.isAffordable = false
    expect(await nextPut()).toEqual([])
    state.isAffordable = true
    expect(await nextPut()).toHaveLength(1)
  })

  it('sets values in the process that sends only, which reads again what another one has set', async () => {
    const notes = memoryNotes()
    const [one, two] = [setUp(notes), setUp(notes)]
    one.set('ann', 5)
    two.set('ann', 5)
    await one.nextPut()
    one.state.isSender = false
    two.set('ann', 6)
    await two.nextPut()
    one.set('ann', 6)
    expect(await one.nextPut()).toEqual([])
    one.state.isSender = true
    expect(await one.nextPut()).toEqual([])
    one.set('ann', 7)
    expect(await one.nextPut()).toEqual([['user', 'ann', { callsToday: 7 }]])
  })

  it('sets the same values again at the next interval if the store failed', async () => {
    const { clock, running, set, state, nextPut } = setUp()
    set('ann', 5)
    state.isFull = true
    await clock.advance(everyMs)
    await expect(running.putIfDue()).rejects.toThrow('disk full')
    state.isFull = false
    expect(await nextPut()).toHaveLength(1)
  })

  it('does not run twice at the same time', async () => {
    let resume = () => {}
    let runs = 0
    const { clock, running } = setUp(memoryNotes(), {
      async *usages() {
        runs += 1
        await new Promise<void>((resolve) => (resume = resolve))
      },
    })
    await clock.advance(everyMs)
    const first = running.putIfDue()
    await clock.advance(everyMs)
    await running.putIfDue()
    expect(runs).toBe(1)
    resume()
    await first
  })

  it('puts thousands of lines in pieces, and stops when another process sends by then', async () => {
    const { clock, running, set, state, lines } = setUp()
    for (let user = 0; user < 2_500; user++) set(`user ${user}`, 1)
    const put = lines.push.bind(lines)
    lines.push = (...more) => {
      state.isSender = lines.length === 0
      return put(...more)
    }
    await clock.advance(everyMs)
    await running.putIfDue()
    expect(lines).toHaveLength(2_000)
  })

  it('gives lines ids that two processes share within an interval, and no other interval has', async () => {
    const [one, two] = [setUp(), setUp()]
    for (const process of [one, two]) process.set('ann', 5)
    await one.nextPut()
    await two.nextPut()
    const id = one.lines[0]?.id
    expect(two.lines[0]?.id).toBe(id)
    one.set('ann', 6)
    await one.nextPut()
    one.set('ann', 5)
    await one.nextPut()
    expect(one.lines[0]?.id).not.toBe(id)
  })
})

it('isRunning() separates these lines from those of a closed day', () => {
  expect(isRunning({ id: 'running-user-2026-11-23-ab' })).toBe(true)
  expect(isRunning({ id: 'user-2026-11-23-ab' })).toBe(false)
})
