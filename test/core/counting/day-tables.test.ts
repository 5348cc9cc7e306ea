import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createDayTables, type DayTables } from '../../../packages/core/src/counting/day-tables.ts'
import { createIdleSeries, type IdleSeries } from '../../../packages/core/src/counting/idle-series.ts'
import type { SeriesLimits } from '../../../packages/core/src/counting/overflow.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'
import type { CountBatch } from '../../../packages/core/src/model/series.ts'
import type { Store } from '../../../packages/core/src/model/store.ts'
import { memoryStore } from '../../../packages/core/src/stores/memory-store.ts'
import { day } from '../../support/count-batch.ts'
import { noLimits, ownProperties } from '../../support/series-tables.ts'

function tablesOver(
  store: Store,
  limits: SeriesLimits = noLimits,
  idle: IdleSeries = createIdleSeries(limits, () => 0),
): DayTables {
  return createDayTables({ store, limits, properties: ownProperties, diagnostics: createDiagnostics(), idle })
}

function count(tables: DayTables, onDay: string = day, userId = 'ada', times = 1): void {
  tables
    .of(onDay)
    .addCall(
      { userId },
      { properties: ownProperties, endpoint: { method: 'GET', route: '/' }, statusCode: 200, aborted: false },
      times,
    )
}

/** Calls per user in batches, each sequence once. */
function callsIn(batches: readonly CountBatch[]): Record<string, number> {
  const calls: Record<string, number> = {}
  const seen = new Set<number>()
  for (const batch of batches) {
    if (seen.has(batch.sequence)) continue
    seen.add(batch.sequence)
    batch.forEach((id, gained) => {
      const { userId } = batch.describe(id).identity
      calls[userId] = (calls[userId] ?? 0) + (gained[0] as number)
    })
  }
  return calls
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

it('stores and seals the other days while the batch of one day cannot be written', async () => {
  const taken: CountBatch[] = []
  let isBroken = true
  const sealed: string[] = []
  const tables = tablesOver({
    ...memoryStore(),
    add(batch) {
      if (isBroken && batch.day === day) throw new Error('its folder cannot be written to')
      taken.push(batch)
    },
    seal: async (onDay) => void sealed.push(onDay),
  })
  count(tables)
  count(tables, '2026-11-24', 'bob')
  await expect(tables.store()).rejects.toThrow('its folder')
  expect(callsIn(taken)).toEqual({ bob: 1 })
  await tables.seal('2026-11-24')
  await expect(tables.seal(day)).rejects.toThrow('its folder')
  expect(sealed).toEqual(['2026-11-24'])
  expect(tables.unstored()).toBe(1)
  isBroken = false
  count(tables)
  await tables.seal(day)
  expect(callsIn(taken)).toEqual({ ada: 2, bob: 1 })
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
  expect(taken.map(({ sequence }) => sequence)).toEqual([1, 2])
})

it('keeps one batch only while a store fails for hours, and merges what is newer in its table', async () => {
  const offered: CountBatch[] = []
  let isBroken = true
  const store: Store = {
    ...memoryStore(),
    async add(batch) {
      offered.push(batch)
      if (isBroken) throw new Error('disk full')
    },
  }
  const tables = tablesOver(store)
  for (let round = 0; round < 1_000; round++) {
    for (const userId of ['ada', 'bob', 'cy']) count(tables, day, userId)
    await expect(tables.store()).rejects.toThrow('disk full')
  }
  expect(new Set(offered.map(({ sequence }) => sequence))).toEqual(new Set([1]))
  expect([tables.unstored(), tables.stored()]).toEqual([3_000, 0])
  isBroken = false
  offered.length = 0
  await tables.store()
  expect(offered.map(({ sequence, size }) => [sequence, size])).toEqual([
    [1, 3],
    [2, 3],
  ])
  expect(callsIn(offered)).toEqual({ ada: 1_000, bob: 1_000, cy: 1_000 })
  expect([tables.unstored(), tables.stored()]).toEqual([0, 3_000])
})

it('gives the event loop its turn between the batches of many series, and bounds each', async () => {
  const sizes: number[] = []
  let turns = 0
  const tables = tablesOver({ ...memoryStore(), add: ({ size }) => void sizes.push(size) })
  for (let user = 0; user < 10_000; user++) count(tables, day, `user-${user}`)
  let isDone = false
  const stored = tables.store().then(() => {
    isDone = true
  })
  expect(sizes).toHaveLength(1)
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve))
    turns += 1
  }
  await stored
  expect(Math.max(...sizes)).toBeLessThan(5_000)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(10_000)
  expect(turns).toBeGreaterThanOrEqual(sizes.length - 1)
})

it('resolves once everything counted before is stored, however much comes meanwhile', async () => {
  const { store, taken, letGo } = slowStore()
  const tables = tablesOver(store)
  count(tables)
  const first = tables.store()
  count(tables)
  const second = tables.store()
  await letGo()
  await first
  expect(taken).toHaveLength(1)
  count(tables, day, 'bob')
  await letGo()
  await second
  expect(callsIn(taken)).toEqual({ ada: 2 })
  expect([tables.unstored(), tables.stored()]).toEqual([1, 2])
})

it('counts what lost detail, by what was given up', () => {
  const tables = tablesOver(memoryStore(), { ...noLimits, users: 1 })
  count(tables)
  count(tables, day, 'bob', 3)
  expect(tables.folded()).toEqual({ endpoints: 0, properties: 0, users: 3, accounts: 0 })
  expect(tables.unstored()).toBe(4)
})

it('has every call once, in memory or stored, when a store fails, hangs or loses its result', async () => {
  const act = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ type: fc.constant('count' as const), user: fc.nat(4), onDay: fc.nat(1) }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('store' as const) }) },
    { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('took it', 'failed', 'took it and failed') }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('seal' as const), onDay: fc.nat(1) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('idle' as const) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 80 }), async (acts) => {
      const idle: IdleSeries = { ...createIdleSeries(noLimits, () => 0), mayRelease: () => true }
      const taken: CountBatch[] = []
      const waiting: Array<(how: string) => void> = []
      const store: Store = {
        ...memoryStore(),
        durable: true,
        add: (batch) =>
          new Promise((resolve, reject) => {
            waiting.push((how) => {
              // A store knows the sequences it took: of a batch offered again it keeps nothing.
              if (how !== 'failed' && !taken.some(({ sequence }) => sequence === batch.sequence))
                taken.push(batch)
              if (how === 'took it') resolve()
              else reject(new Error(how))
            })
          }),
        async seal() {},
      }
      const tables = tablesOver(store, noLimits, idle)
      const expected: Record<string, number> = {}
      let counted = 0
      const settle = () => new Promise((resolve) => setImmediate(resolve))
      const expectAll = () => expect(tables.unstored() + tables.stored()).toBe(counted)
      for (const act of acts) {
        if (act.type === 'count' && 'user' in act) {
          const userId = `user-${act.user}`
          count(tables, `2026-11-2${act.onDay}`, userId)
          expected[userId] = (expected[userId] ?? 0) + 1
          counted += 1
        } else if (act.type === 'store') void tables.store().catch(() => {})
        else if (act.type === 'idle') tables.releaseIdle()
        else if (act.type === 'seal' && 'onDay' in act)
          void tables.seal(`2026-11-2${act.onDay}`).catch(() => {})
        else {
          waiting.shift()?.(act.type)
          await settle()
        }
        expectAll()
      }
      while (tables.unstored() > 0) {
        void tables.store().catch(() => {})
        waiting.shift()?.('took it')
        await settle()
        expectAll()
      }
      expect(tables.stored()).toBe(counted)
      expect(callsIn(taken)).toEqual(expected)
      for (const onDay of new Set(taken.map((batch) => batch.day))) {
        const sequences = taken.filter((batch) => batch.day === onDay).map(({ sequence }) => sequence)
        expect(sequences, 'batches of one day come in their order').toEqual(
          sequences.toSorted((a, b) => a - b),
        )
      }
      const all = taken.map(({ sequence }) => sequence).sort((a, b) => a - b)
      expect(all).toEqual(all.map((_, at) => at + 1))
    }),
    { numRuns: 200 },
  )
})
