import { expect, it } from 'vitest'
import { createDayTables, type DayTables } from '../../../packages/core/src/counting/day-tables.ts'
import { apiCalls } from '../../../packages/core/src/counting/instruments.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'
import { memoryStore } from '../../../packages/core/src/store/memory-store.ts'
import type { CountBatch, Store } from '../../../packages/core/src/store/store.ts'
import { day } from '../../support/count-batch.ts'

const properties = { apiType: 'RESTful' }

function tablesOver(store: Store): DayTables {
  return createDayTables(store, { series: 100, endpointsPerIdentity: 10 }, createDiagnostics())
}

function count(tables: DayTables, onDay: string = day): void {
  tables.of(onDay).add(apiCalls, { userId: 'ada' }, properties, undefined, [1, 0, 0, 0])
}

/** A store of which each answer waits until it is let go, or fails. */
function slowStore() {
  const taken: CountBatch[] = []
  const waiting: Array<(error?: Error) => void> = []
  const answer = () =>
    new Promise<void>((resolve, reject) => {
      waiting.push((error) => (error === undefined ? resolve() : reject(error)))
    })
  const store: Store = {
    ...memoryStore(),
    add: async (batch) => {
      await answer()
      taken.push(batch)
    },
    seal: answer,
  }
  async function letGo(error?: Error): Promise<void> {
    waiting.shift()?.(error)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { store, taken, letGo }
}

it('hands the batches of all days to a store that takes them at once within the same turn', () => {
  const sequences: number[] = []
  const tables = tablesOver({ ...memoryStore(), add: ({ sequence }) => void sequences.push(sequence) })
  count(tables)
  count(tables, '2026-11-24')
  void tables.store()
  expect(sequences).toEqual([1, 2])
  count(tables)
  void tables.store()
  expect(sequences).toEqual([1, 2, 3])
})

it('loses no call that comes while its day is being sealed', async () => {
  const { store, taken, letGo } = slowStore()
  const tables = tablesOver(store)
  count(tables)
  const sealed = tables.seal(day)
  await letGo()
  count(tables)
  await letGo()
  await sealed
  expect([tables.unstored(), tables.stored()]).toEqual([1, 1])
  const stored = tables.store()
  await letGo()
  await stored
  expect(taken.map(({ sequence }) => sequence)).toEqual([1, 2])
  expect([tables.unstored(), tables.stored()]).toEqual([0, 2])
})

it('has every call either in memory or stored while batches fail, wait and are offered again', async () => {
  const { store, taken, letGo } = slowStore()
  const tables = tablesOver(store)
  let counted = 0
  const countOne = () => {
    count(tables)
    counted += 1
  }
  const expectAll = () => expect(tables.unstored() + tables.stored()).toBe(counted)
  countOne()
  const failed = expect(tables.store()).rejects.toThrow('disk full')
  countOne()
  expectAll()
  await letGo(new Error('disk full'))
  await failed
  expectAll()
  const second = tables.store()
  countOne()
  expectAll()
  for (let batch = 0; batch < 3; batch++) {
    await letGo()
    expectAll()
  }
  await second
  expectAll()
  expect(tables.stored()).toBe(3)
  expect(taken.map(({ sequence }) => sequence)).toEqual([1, 2, 3])
})
