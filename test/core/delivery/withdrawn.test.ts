import { memoryStore, type OutboxLine } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { expect, it } from 'vitest'
import {
  readWithdrawn,
  withdrawBackfill,
  withoutWithdrawn,
} from '../../../packages/core/src/delivery/withdrawn.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'

function line(id: string, backfill?: string): OutboxLine {
  const body = JSON.stringify({ eventName: 'dailyApiCalls', attributes: { apiCalls: 1, backfill } })
  return { id, day: '2026-11-01', kind: 'event', rank: 'total', body, calls: 1 }
}

it('the pending lines of withdrawn backfills are removed, and no others', async () => {
  const store = memoryStore()
  await store.open({ clock: fakeClock(0), diagnostics: createDiagnostics(() => {}), timeZone: 'UTC' })
  await store.put([line('live'), line('a', 'first'), line('b', 'second'), line('c', 'first')])
  const { lines: claimed } = await store.claim(9)
  const lines = claimed.map((one) => (one.id === 'c' ? { ...one, state: 'unconfirmed' as const } : one))
  const removed: string[] = []
  const wanted = async () =>
    (await withoutWithdrawn(store, lines, (id) => removed.push(id))).map(({ id }) => id)
  expect(await wanted()).toEqual(['live', 'a', 'b', 'c'])
  await withdrawBackfill(store, 'first')
  await withdrawBackfill(store, 'first')
  expect(await wanted()).toEqual(['live', 'b', 'c'])
  expect(removed).toEqual(['a'])
  expect(store.outboxCounts()).toMatchObject({ closed: 3, pending: 3, delivered: 0 })
})

it('no note is read for lines that come from no backfill', async () => {
  const store = { readNote: () => Promise.reject(new Error('read')) } as never
  const body = '{"attributes":{"endpoint":"\\"backfill\\":"}}'
  const lines = [line('live'), { ...line('x'), body }].map((one) => ({ ...one, state: 'pending' as const }))
  expect(await withoutWithdrawn(store, lines, () => {})).toBe(lines)
})

it('the names of withdrawn backfills are read without a change', async () => {
  const store = memoryStore()
  await store.open({ clock: fakeClock(0), diagnostics: createDiagnostics(() => {}), timeZone: 'UTC' })
  expect([...(await readWithdrawn(store))]).toEqual([])
  await withdrawBackfill(store, 'b')
  await withdrawBackfill(store, 'a')
  expect([...(await readWithdrawn({ readNote: store.readNote }))]).toEqual(['b', 'a'])
})
