import { fakeClock } from '@px-usage/core/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import type { UsageError } from '../../packages/core/src/errors.ts'
import type { Store } from '../../packages/core/src/model/store.ts'
import { batches, callsOf, day, line, oneLinePerUser, series } from '../support/count-batch.ts'

const nextDay = '2026-11-24'

/**
 * What every store does. `makeStore` returns a store that shares its data with the others of the same test, if it keeps any.
 *
 * @param options.isShared whether several processes may use the data at a time
 */
export function storeContract(name: string, makeStore: () => Store, { isShared = true } = {}): void {
  describe(`${name} as a store`, () => {
    let store: Store
    const clock = fakeClock('2026-11-23T10:00:00Z')

    async function open(made: Store): Promise<Store> {
      await made.open({ clock, diagnostics: createDiagnostics(), timeZone: 'UTC' })
      return made
    }

    beforeEach(async () => {
      store = await open(makeStore())
    })
    afterEach(() => store.close())

    function ids(claim: { lines: Array<{ id: string }> }): string[] {
      return claim.lines.map(({ id }) => id)
    }

    function expectCountsToAddUp(): void {
      const { closed, delivered, pending, unconfirmed, rejected } = store.outboxCounts()
      expect(closed).toBe(delivered + pending + unconfirmed + rejected)
    }

    it('adds up what batches bring for the same series', async () => {
      const batch = batches()
      await store.add(batch({ ada: 2, bob: 1 }))
      await store.add(batch({ ada: 3 }))
      expect(await callsOf(store)).toEqual({ ada: 5, bob: 1 })
      for await (const total of store.totals(day)) {
        expect(total.series).toMatchObject(series(total.series.identity.userId))
      }
    })

    it('counts a sequence once, however often it is offered', async () => {
      const first = batches()({ ada: 2 })
      await store.add(first)
      await store.add(first)
      expect(await callsOf(store)).toEqual({ ada: 2 })
    })

    it('keeps days apart and lists them oldest first', async () => {
      const batch = batches()
      await store.add(batch({ ada: 1 }, nextDay))
      await store.add(batch({ ada: 2 }, day))
      expect(await store.openDays()).toEqual([day, nextDay])
      expect(await callsOf(store, day)).toEqual({ ada: 2 })
      expect(await callsOf(store, nextDay)).toEqual({ ada: 1 })
    })

    it('knows the series of a table that counts for a second day', async () => {
      const batch = batches()
      const table = {}
      await store.add(batch({ ada: 1 }, day, table))
      await store.add(batch({ ada: 2 }, nextDay, table))
      expect(await callsOf(store, nextDay)).toEqual({ ada: 2 })
    })

    it('closes a day once', async () => {
      await store.add(batches()({ ada: 2, bob: 5 }))
      await store.seal(day)
      expect(await store.closeDay(day, oneLinePerUser())).toEqual({
        outcome: 'closed',
        revision: 0,
        lines: 2,
        calls: 7,
      })
      expect(await store.closeDay(day, oneLinePerUser())).toEqual({ outcome: 'empty' })
      expect(await store.openDays()).toEqual([])
      expect(store.outboxCounts()).toMatchObject({ closed: 2, pending: 2 })
    })

    it('makes a revision of a batch that comes after the close, from the table used before', async () => {
      const batch = batches()
      await store.add(batch({ ada: 2 }))
      await store.closeDay(day, oneLinePerUser())
      await store.add(batch({ ada: 1 }))
      expect(await callsOf(store)).toEqual({ ada: 1 })
      expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ revision: 1, lines: 1, calls: 1 })
      expect(ids(await store.claim(9)).sort()).toEqual([`${day}.0.ada`, `${day}.1.ada`])
    })

    it('knows how often a day was closed', async () => {
      // Optional: a store of others may lack it.
      const revision = async () => store.revisionOf?.(day)
      if (store.revisionOf === undefined) return
      const batch = batches()
      expect(await revision()).toBe(0)
      for (let closes = 1; closes <= 2; closes++) {
        await store.add(batch({ ada: 1 }))
        expect(await revision()).toBe(closes - 1)
        await store.closeDay(day, oneLinePerUser())
        expect(await revision()).toBe(closes)
      }
    })

    it('changes nothing when the roll-up fails', async () => {
      const batch = batches()
      await store.add(batch({ ada: 2 }))
      const failing = async function* (): AsyncGenerator<never> {
        yield* []
        throw new Error('no roll-up')
      }
      await expect(store.closeDay(day, failing)).rejects.toThrow('no roll-up')
      await store.add(batch({ ada: 1 }))
      expect(await callsOf(store)).toEqual({ ada: 3 })
      expect(store.outboxCounts().closed).toBe(0)
    })

    it('refuses a batch that comes for a day while it rolls it up, or keeps it for a revision', async () => {
      const batch = batches()
      await store.add(batch({ ada: 2 }))
      const late = batch({ ada: 1 })
      const closed = await store.closeDay(day, async function* (totals, revision) {
        yield* oneLinePerUser()(totals, revision)
        const taken = await (async () => store.add(late))().catch((error: UsageError) => error.code)
        expect([undefined, 'PXU_ERR_STORE_UNAVAILABLE']).toContain(taken)
      })
      expect(closed).toMatchObject({ outcome: 'closed', calls: 2 })
      await store.add(late)
      expect(await callsOf(store)).toEqual({ ada: 1 })
      await store.seal(day)
      expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ revision: 1, calls: 1 })
    })

    it('gives the totals of a day to its roll-up as often as it asks', async () => {
      await store.add(batches()({ ada: 2, bob: 1 }))
      const asked: number[] = []
      await store.closeDay(day, async function* (totals, revision) {
        let calls = 0
        for await (const { values } of totals) calls += values[0] ?? 0
        asked.push(calls)
        yield* oneLinePerUser()(totals, revision)
      })
      expect(asked).toEqual([3])
      expect(store.outboxCounts()).toMatchObject({ closed: 2 })
    })

    it('claims the oldest day first and totals before details', async () => {
      await store.put([
        line('new total', nextDay),
        line('old detail', day, 'detail'),
        line('old total', day),
        line('new detail', nextDay, 'detail'),
      ])
      expect(ids(await store.claim(3))).toEqual(['old total', 'old detail', 'new total'])
      expect(ids(await store.claim(3))).toEqual(['new detail'])
    })

    it('gives a claimed line to no other caller until it is settled', async () => {
      await store.put([line('a')])
      expect(ids(await store.claim(9))).toEqual(['a'])
      expect(ids(await store.claim(9))).toEqual([])
      await store.settle([{ id: 'a', state: 'pending', waitMs: 0 }])
      expect(ids(await store.claim(9))).toEqual(['a'])
    })

    it('gives a claimed line out again when it was never settled', async () => {
      await store.put([line('a')])
      const atMs = clock.now()
      await store.claim(9)
      await store.markAttempts(['a'], atMs)
      const { lines, nextDueInMs } = await store.claim(9)
      expect(lines).toEqual([])
      await clock.advance(nextDueInMs as number)
      expect((await store.claim(9)).lines).toMatchObject([
        { id: 'a', state: 'unconfirmed', attempts: 1, attemptedAtMs: atMs },
      ])
    })

    it('returns when the next line falls due', async () => {
      await store.put([line('a')])
      await store.claim(9)
      await store.settle([{ id: 'a', state: 'pending', waitMs: 60_000 }])
      expect(await store.claim(9)).toEqual({ lines: [], nextDueInMs: 60_000 })
      await clock.advance(60_000)
      expect(ids(await store.claim(9))).toEqual(['a'])
    })

    it('is the sender as long as no other process shares it', async () => {
      expect(await store.isSender()).toBe(true)
    })

    it('moves lines between states and the counts add up all the way', async () => {
      await store.put(['a', 'b', 'c', 'd'].map((id) => line(id)))
      expectCountsToAddUp()
      await store.claim(9)
      await store.markAttempts(['a', 'b', 'c', 'd'], clock.now())
      expect(store.outboxCounts()).toMatchObject({ closed: 4, pending: 0, unconfirmed: 4 })
      await store.settle([
        { id: 'a', state: 'delivered' },
        { id: 'b', state: 'rejected', reason: 'bad date' },
        { id: 'c', state: 'unconfirmed', waitMs: 1 },
        { id: 'd', state: 'pending', waitMs: 1 },
      ])
      expect(store.outboxCounts()).toEqual({
        closed: 4,
        delivered: 1,
        rejected: 1,
        unconfirmed: 1,
        pending: 1,
      })
      const refused = []
      for await (const { id, reason } of store.rejected()) refused.push({ id, reason })
      expect(refused).toEqual([{ id: 'b', reason: 'bad date' }])
    })

    it('removes a withdrawn line without counting it', async () => {
      await store.put(['a', 'b'].map((id) => line(id)))
      await store.claim(1)
      await store.settle([{ id: 'a', state: 'withdrawn' }])
      expect(store.outboxCounts()).toEqual({
        closed: 1,
        delivered: 0,
        pending: 1,
        unconfirmed: 0,
        rejected: 0,
      })
      expect(ids(await store.claim(9))).toEqual(['b'])
      const waiting = []
      for await (const { id } of store.waiting()) waiting.push(id)
      expect(waiting).toEqual(['b'])
    })

    it('shows the lines that wait, with their bodies, and changes nothing', async () => {
      const waiting = async () => {
        const lines = []
        for await (const one of store.waiting()) lines.push(one)
        return lines
      }
      expect(await waiting()).toEqual([])
      await store.put(['a', 'b', 'c', 'd', 'e'].map((id) => line(id)))
      await store.claim(4)
      await store.markAttempts(['b', 'c', 'd'], clock.now())
      await store.settle([
        { id: 'b', state: 'delivered' },
        { id: 'c', state: 'rejected', reason: 'bad date' },
        { id: 'd', state: 'unconfirmed', waitMs: 60_000 },
      ])
      await store.add(batches()({ ada: 2 }))
      await store.seal(day)
      await store.closeDay(day, oneLinePerUser(day))
      const counts = store.outboxCounts()
      const lines = await waiting()
      const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
      expect(lines.filter(({ id }) => id.length === 1).sort(byId)).toEqual([
        { ...line('a'), state: 'pending' },
        { ...line('d'), state: 'unconfirmed' },
        { ...line('e'), state: 'pending' },
      ])
      expect(lines).toHaveLength(4)
      expect(lines.filter(({ id }) => id.length > 1)).toMatchObject([{ day, state: 'pending', calls: 2 }])
      expect(await waiting()).toEqual(lines)
      expect(store.outboxCounts()).toEqual(counts)
    })

    it('refuses to attempt or settle a line that it does not have, and stays as it was', async () => {
      await store.put([line('a')])
      await store.claim(9)
      const refusal = { code: 'PXU_ERR_STORE_UNAVAILABLE' }
      await expect(store.markAttempts(['a', 'ghost'], 0)).rejects.toMatchObject(refusal)
      await expect(
        store.settle([
          { id: 'a', state: 'delivered' },
          { id: 'a', state: 'delivered' },
        ]),
      ).rejects.toMatchObject(refusal)
      expect(store.outboxCounts()).toMatchObject({ closed: 1, pending: 1, delivered: 0 })
      expectCountsToAddUp()
    })

    it('puts a line once, even after its delivery', async () => {
      await store.put([line('a')])
      await store.put([line('a')])
      expect(store.outboxCounts().closed).toBe(1)
      await store.claim(9)
      await store.settle([{ id: 'a', state: 'delivered' }])
      await store.put([line('a'), line('b')])
      expect(store.outboxCounts()).toMatchObject({ closed: 2, delivered: 1, pending: 1 })
    })

    it('remembers notes', async () => {
      expect(await store.readNote('budget')).toBeUndefined()
      await store.writeNote('budget', '1')
      await store.writeNote('budget', '2')
      expect(await store.readNote('budget')).toBe('2')
      await store.discardNote('budget')
      expect(await store.readNote('budget')).toBeUndefined()
    })

    it('reserves a task for one of those that share it, until its time is over', async () => {
      if (store.reserve === undefined) return expect(store.durable && isShared).toBe(false)
      const other = await open(makeStore())
      expect(await store.reserve('gauge "a"', 60_000)).toBe(true)
      expect(await store.reserve('gauge "a"', 60_000)).toBe(true)
      expect(await other.reserve?.('gauge "a"', 60_000)).toBe(false)
      expect(await other.reserve?.('gauge "b"', 60_000)).toBe(true)
      await clock.advance(60_000)
      expect(await other.reserve?.('gauge "a"', 60_000)).toBe(true)
      expect(await store.reserve('gauge "a"', 60_000)).toBe(false)
      await other.close()
    })

    it('belongs to one meter at a time', async () => {
      await expect(open(store)).rejects.toMatchObject({ code: 'PXU_ERR_STORE_IN_USE' })
    })

    it('accepts nothing once it is closed, so no late count passes for stored', async () => {
      await store.close()
      await expect((async () => store.add(batches()({ ada: 1 })))()).rejects.toMatchObject({
        code: 'PXU_ERR_STORE_UNAVAILABLE',
      })
      store = await open(makeStore())
    })

    it('has after opening again what it had, if it is durable', async () => {
      if (!store.durable) return expect(store.flushAfterMs).toBeGreaterThan(0)
      const batch = batches()
      await store.add(batch({ ada: 2 }))
      await store.add(batch({ ada: 1 }, nextDay))
      await store.closeDay(day, oneLinePerUser())
      await store.put(['b', 'c', 'd'].map((id) => line(id, nextDay)))
      await store.claim(9)
      await store.markAttempts(['b', 'c'], 7)
      await store.settle([{ id: 'b', state: 'delivered' }])
      await store.writeNote('budget', '1')
      const before = store.outboxCounts()
      // Twice: once from what was appended, once from what was rewritten.
      for (let round = 0; round < 2; round++) {
        await store.close()
        store = await open(makeStore())
      }
      expect(store.outboxCounts()).toEqual(before)
      expect(await callsOf(store, nextDay)).toEqual({ ada: 1 })
      expect(await store.readNote('budget')).toBe('1')
      const { lines } = await store.claim(9)
      expect(
        lines.map(({ id, state, attempts, attemptedAtMs }) => [id, state, attempts, attemptedAtMs]),
      ).toEqual([
        [`${day}.0.ada`, 'pending', 0, undefined],
        ['c', 'unconfirmed', 1, 7],
        ['d', 'pending', 0, undefined],
      ])
      await store.put([line('b', nextDay)])
      expect(store.outboxCounts().closed).toBe(before.closed)
      const restarted = batches()
      await store.add(restarted({ ada: 4, bob: 1 }, nextDay))
      await store.add(restarted({ ada: 3 }))
      expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ revision: 1, calls: 3 })
    })
  })
}
