import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apiCalls } from '../../../packages/core/src/counting/instruments.ts'
import { createSeriesTable } from '../../../packages/core/src/counting/series-table.ts'
import type { CountBatch, Series } from '../../../packages/core/src/store/store.ts'

const nasty = fc.constantFrom(
  'a',
  'b',
  'a|b',
  '["a","b"]',
  '__proto__',
  'constructor',
  'a\0b',
  ' ',
  '(overflow)',
  '(unmatched)',
)

const call = fc.record({
  identity: fc.record({ userId: nasty, accountId: fc.option(nasty, { nil: undefined }) }),
  properties: fc.dictionary(
    fc.constantFrom('x', 'y', 'constructor'),
    fc.oneof(nasty, fc.nat(2), fc.boolean()),
  ),
  endpoint: fc.record({ method: fc.constantFrom('GET', 'POST'), route: nasty }),
  failed: fc.boolean(),
})
const step = fc.oneof(
  { weight: 5, arbitrary: call },
  { weight: 1, arbitrary: fc.constant('take a batch' as const) },
)

/** What makes a series, as a text for the model. */
function nameOf({ identity, properties, endpoint }: Omit<Series, 'instrument'>): string {
  const sorted = Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([
    identity.userId,
    identity.accountId ?? null,
    sorted,
    endpoint?.method,
    endpoint?.route,
  ])
}

function addUp(totals: Map<string, number[]>, name: string, gained: ArrayLike<number>): void {
  const has = totals.get(name) ?? [0, 0, 0, 0]
  totals.set(
    name,
    has.map((value, measure) => value + (gained[measure] ?? 0)),
  )
}

function take(totals: Map<string, number[]>, batch: CountBatch | undefined): void {
  batch?.forEach((id, gained) => {
    addUp(totals, nameOf(batch.describe(id)), gained)
  })
}

describe('the series table', () => {
  it('has the sums of a plain map, whatever the ids are and whenever batches are taken', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = createSeriesTable({ series: 10_000, endpointsPerIdentity: 10_000 }, () => {})
        const model = new Map<string, number[]>()
        const taken = new Map<string, number[]>()
        let sequence = 0
        for (const step of steps) {
          if (step === 'take a batch') {
            take(taken, table.takeBatch('2026-11-23', ++sequence))
            expect(table.unstored).toBe(0)
          } else {
            const gains = [1, step.failed ? 1 : 0, 0, 0]
            table.add(apiCalls, step.identity, step.properties, step.endpoint, gains)
            addUp(model, nameOf(step), gains)
          }
        }
        take(taken, table.takeBatch('2026-11-23', ++sequence))
        expect(Object.fromEntries(taken)).toEqual(Object.fromEntries(model))
        expect(table.size).toBe(model.size)
      }),
    )
  })

  it('freezes a batch: what is counted afterwards is in the next one', () => {
    const table = createSeriesTable({ series: 10, endpointsPerIdentity: 10 }, () => {})
    const count = () =>
      table.add(apiCalls, { userId: 'ann' }, {}, { method: 'GET', route: '/' }, [1, 0, 0, 0])
    const sums = (batch: CountBatch | undefined) => {
      const found: number[] = []
      batch?.forEach((_id, gained) => {
        found.push(gained[0] ?? 0)
      })
      return found
    }
    count()
    const first = table.takeBatch('2026-11-23', 1)
    count()
    count()
    expect(sums(first)).toEqual([1])
    expect(sums(table.takeBatch('2026-11-23', 2))).toEqual([2])
    expect(table.takeBatch('2026-11-23', 3)).toBeUndefined()
  })

  it.each([
    ['endpoints of one identity', { series: 1_000, endpointsPerIdentity: 3 }],
    ['series', { series: 3, endpointsPerIdentity: 1_000 }],
  ])('folds endpoints beyond the limit of %s, and keeps the total', (_what, limits) => {
    let told = 0
    const table = createSeriesTable(limits, () => {
      told += 1
    })
    for (let i = 0; i < 100; i++) {
      table.add(apiCalls, { userId: 'ann' }, {}, { method: 'GET', route: `/${i}` }, [1, 0, 0, 0])
    }
    const totals = new Map<string, number[]>()
    take(totals, table.takeBatch('2026-11-23', 1))
    expect([...totals.values()].reduce((sum, [calls = 0]) => sum + calls, 0)).toBe(100)
    expect([...totals.keys()].filter((name) => name.includes('(overflow)'))).toHaveLength(1)
    expect(table.size).toBe(4)
    expect(told).toBe(97)
    expect(table.folded).toBe(97)
  })
})
