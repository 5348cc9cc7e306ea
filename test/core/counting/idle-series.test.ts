import { afterEach, beforeEach, expect, it } from 'vitest'
import { createDayTables } from '../../../packages/core/src/counting/day-tables.ts'
import { createIdleSeries } from '../../../packages/core/src/counting/idle-series.ts'
import type { SeriesLimits } from '../../../packages/core/src/counting/overflow.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'
import type { Store } from '../../../packages/core/src/model/store.ts'
import { memoryStore } from '../../../packages/core/src/stores/memory-store.ts'
import { callsOf, day } from '../../support/count-batch.ts'
import { noLimits, ownProperties } from '../../support/series-tables.ts'
import { diskOf } from '../../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)
const quarterMs = 900_000

/** Keeps nothing, as a journal does in memory. */
const journal = (): Store => ({
  ...memoryStore(),
  durable: true,
  add: (batch) => batch.forEach(() => {}),
  async seal() {},
})

function tablesOver(store: Store, limits: SeriesLimits = noLimits) {
  let elapsed = 0
  const idle = createIdleSeries(limits, () => elapsed)
  const diagnostics = createDiagnostics()
  const tables = createDayTables({ store, limits, properties: ownProperties, diagnostics, idle })
  return {
    ...tables,
    size: () => tables.of(day).size,
    call(userId: string) {
      tables.of(day).addCall(
        { userId },
        {
          properties: ownProperties,
          endpoint: { method: 'GET', route: '/' },
          statusCode: 200,
          aborted: false,
        },
      )
    },
    async after(ms: number) {
      elapsed += ms
      tables.releaseIdle()
      await tables.store()
    },
  }
}

type Tables = ReturnType<typeof tablesOver>

/** Calls that are stored at once, as they are in a meter. */
async function callMany(tables: Tables, count: number, name = 'user'): Promise<void> {
  for (let user = 0; user < count; user++) tables.call(`${name} ${user}`)
  await tables.store()
}

it('series without a call for 15 minutes leave memory once they are most of a table', async () => {
  const tables = tablesOver(journal())
  await callMany(tables, 12_000)
  await tables.after(quarterMs)
  expect(tables.size(), 'all of them were active').toBe(12_000)
  await callMany(tables, 5_000)
  await tables.after(quarterMs - 1)
  expect(tables.size()).toBe(12_000)
  await tables.after(1)
  expect(tables.size()).toBe(0)
  await callMany(tables, 10)
  expect(tables.size()).toBe(10)
  expect([tables.unstored(), tables.stored()]).toEqual([0, 17_010])
})

it('a table of which half is called stays, and one so small that it saves nothing', async () => {
  const half = tablesOver(journal())
  await callMany(half, 12_000)
  await half.after(quarterMs)
  await callMany(half, 6_001)
  await half.after(quarterMs)
  expect(half.size()).toBe(12_000)

  const small = tablesOver(journal())
  await callMany(small, 9_999)
  await small.after(quarterMs)
  await small.after(quarterMs)
  expect(small.size()).toBe(9_999)
})

it('nothing leaves a store that keeps its counts in memory as well', async () => {
  const tables = tablesOver({ ...journal(), durable: false })
  await callMany(tables, 12_000)
  await tables.after(quarterMs)
  await tables.after(quarterMs)
  expect(tables.size()).toBe(12_000)
})

it('a table that folded stays, so a user in (overflow) stays there and limits hold for the day', async () => {
  const tables = tablesOver(journal(), { ...noLimits, users: 11_000 })
  await callMany(tables, 11_001)
  await tables.after(quarterMs)
  await tables.after(quarterMs)
  expect(tables.size()).toBe(11_001)
  expect(tables.folded().users).toBe(1)
})

it('tables that left have made four times the limit of series at most, then the next one stays', async () => {
  const tables = tablesOver(journal(), { ...noLimits, series: 12_000 })
  const sizes: number[] = []
  for (let round = 0; round < 6; round++) {
    await callMany(tables, 12_000, `round ${round}`)
    await tables.after(quarterMs)
    await tables.after(quarterMs)
    sizes.push(tables.size())
  }
  // From the fifth on the table is full, so that the sixth round folds into one more series for each of its users.
  expect(sizes).toEqual([0, 0, 0, 0, 12_000, 24_000])
})

it('what a failing store did not take waits in the table that leaves, and is stored once', async () => {
  const store = journal()
  const { add } = store
  const tables = tablesOver(store)
  await callMany(tables, 12_000)
  await tables.after(quarterMs)
  store.add = async () => Promise.reject(new Error('disk full'))
  await expect(callMany(tables, 5_000)).rejects.toThrow('disk full')
  for (let hour = 0; hour < 8; hour++) {
    await expect(tables.after(quarterMs)).rejects.toThrow('disk full')
    await expect(callMany(tables, 1_000)).rejects.toThrow('disk full')
    expect(tables.unstored() + tables.stored()).toBe(12_000 + 5_000 + 1_000 * (hour + 1))
  }
  store.add = add
  await tables.store()
  expect([tables.unstored(), tables.stored()]).toEqual([0, 25_000])
})

it('a day of more users than are active keeps the active ones in memory and totals exact', async () => {
  const store = await folder.open()
  const limits = { ...noLimits, series: 60_000, users: 60_000 }
  const tables = tablesOver(store, limits)
  const expected: Record<string, number> = {}
  let most = 0
  const call = (userId: string) => {
    tables.call(userId)
    expected[userId] = (expected[userId] ?? 0) + 1
  }
  for (let quarter = 0; quarter < 24; quarter++) {
    for (let user = 0; user < 6_000; user++) call(`${user} of ${quarter}`)
    for (let user = 0; user < 100; user++) call(`steady ${user}`)
    // Somebody of long ago comes back.
    if (quarter >= 10) call(`1 of ${quarter - 10}`)
    await tables.store()
    most = Math.max(most, tables.size())
    await tables.after(quarterMs)
  }
  // Less than twice the active ones stay, and a quarter of an hour later they leave.
  expect(most).toBeLessThan(3 * 6_101)
  expect(tables.folded().users).toBe(0)
  expect(Object.keys(expected)).toHaveLength(24 * 6_000 + 100)
  expect(await callsOf(store)).toEqual(expected)
})
