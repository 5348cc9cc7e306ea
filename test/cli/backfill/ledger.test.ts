import { memoryStore } from '@px-usage/core'
import { createPastDays } from '@px-usage/core/adapter'
import { expect, it } from 'vitest'
import { createLedger } from '../../../packages/cli/src/backfill/ledger.ts'

it('backfills are remembered in their order, and replaced by name', async () => {
  const store = memoryStore()
  await store.open(createPastDays({ productKey: 'AP-X-2', onProblem() {} }).context)
  const ledger = createLedger(store)
  expect(await ledger.list()).toEqual([])
  const one = { name: 'b', createdAtMs: 2, logs: ['x'], days: [] }
  await ledger.write(one)
  await ledger.write({ ...one, name: 'a', createdAtMs: 1 })
  await ledger.write({ ...one, revertedAtMs: 9 })
  expect((await ledger.list()).map(({ name, revertedAtMs }) => [name, revertedAtMs])).toEqual([
    ['a', undefined],
    ['b', 9],
  ])
})
