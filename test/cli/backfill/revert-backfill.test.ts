import { memoryStore } from '@px-usage/core'
import { createPastDays } from '@px-usage/core/adapter'
import { expect, it } from 'vitest'
import { type Backfill, createLedger } from '../../../packages/cli/src/backfill/ledger.ts'
import { revertBackfill, stateOf, waitingOf } from '../../../packages/cli/src/backfill/revert-backfill.ts'

it('a revert withdraws what is unsent, and says what PX has', async () => {
  const store = memoryStore()
  await store.open(createPastDays({ productKey: 'AP-X-2', onProblem() {} }).context)
  const day = '2026-11-01'
  const body = JSON.stringify({ attributes: { backfill: 'x' } })
  const line = { day, kind: 'event', rank: 'total', calls: 1 } as const
  await store.put(['a', 'b', 'c', 'd'].map((id) => ({ ...line, id, body: id === 'd' ? '{}' : body })))
  await store.claim(1)
  await store.settle([{ id: 'a', state: 'delivered' }])
  const days = [{ day, lines: 1, bytes: 1, checksum: 1, revision: 0, calls: 3, events: 3, queued: 3 }]
  const backfill: Backfill = { name: 'x', createdAtMs: 0, logs: [], days }
  const before = stateOf(backfill, (await waitingOf(store, ['x'])).get('x') ?? new Map())
  expect(before).toEqual({
    ...{ queued: 3, delivered: 1, pending: 2, unconfirmed: 0, rejected: 0, withdrawn: 0 },
  })
  const ledger = createLedger(store)
  const state = await revertBackfill({ store, ledger, now: () => 5 }, backfill, 0)
  expect(state).toMatchObject({ delivered: 1, pending: 0, withdrawn: 2 })
  expect((await ledger.list())[0]).toMatchObject({ revertedAtMs: 5, days: [{ withdrawn: 2 }] })
})
