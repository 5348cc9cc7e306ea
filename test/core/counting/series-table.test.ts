import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { usableIdentity } from '../../../packages/core/src/attribution/identity.ts'
import { newCallKind } from '../../../packages/core/src/counting/call-kinds.ts'
import { apiCalls, mergeValues } from '../../../packages/core/src/counting/instruments.ts'
import type { SeriesTable } from '../../../packages/core/src/counting/series-table.ts'
import type { CallKind } from '../../../packages/core/src/model/call-kind.ts'
import type { Instrument, Series } from '../../../packages/core/src/model/series.ts'
import { nameOf, ownProperties, tableWith, takeAll } from '../../support/series-tables.ts'

const nasty = fc.constantFrom(
  ...['a', 'b', 'a|b', '["a","b"]', '__proto__', 'constructor', 'a\0b', ' ', '', '(overflow)', '(unmatched)'],
  'x'.repeat(13),
  `${'x'.repeat(12)}\ud800`,
)
const seats: Instrument = { name: 'seats', kind: 'last', measures: ['seats', 'atMs'] }
const exports: Instrument = { name: 'exports', kind: 'sum', measures: ['exports'] }

const identity = fc.record({ userId: nasty, accountId: fc.option(nasty, { nil: undefined }) })
const properties = fc.dictionary(
  fc.constantFrom('x', 'y', 'constructor'),
  fc.oneof(nasty, fc.nat(2), fc.boolean()),
)
const times = fc.oneof(fc.nat(3), fc.constantFrom(2 ** 31, 2 ** 32 - 1, 2 ** 52, Number.MAX_SAFE_INTEGER))
const call = fc.record({
  type: fc.constant('call' as const),
  identity,
  properties,
  endpoint: fc.record({ method: fc.constantFrom('GET', 'POST'), route: nasty }),
  statusCode: fc.constantFrom(200, 399, 400, 499, 500, 503),
  aborted: fc.boolean(),
  times,
})
const amount = fc.record({ type: fc.constant('amount' as const), identity, properties, times })
const reading = fc.record({
  type: fc.constant('reading' as const),
  identity,
  properties,
  value: fc.double({ noNaN: true }),
  atMs: fc.nat(9),
})
const taking = fc.record({ type: fc.constant('take' as const), max: fc.integer({ min: 1, max: 9 }) })
type Step = typeof call extends fc.Arbitrary<infer Call> ? Call | Amount | Reading | Taking : never
type Amount = typeof amount extends fc.Arbitrary<infer Value> ? Value : never
type Reading = typeof reading extends fc.Arbitrary<infer Value> ? Value : never
type Taking = typeof taking extends fc.Arbitrary<infer Value> ? Value : never

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: call },
  { weight: 2, arbitrary: amount },
  { weight: 2, arbitrary: reading },
  { weight: 1, arbitrary: taking },
)

/** What a step adds to which series. */
function gainOf(step: Exclude<Step, Taking>): { series: Series; gained: number[] } {
  const { identity, properties } = step
  if (step.type === 'amount') {
    return { series: { instrument: exports, identity, properties }, gained: [step.times] }
  }
  if (step.type === 'reading') {
    return { series: { instrument: seats, identity, properties }, gained: [step.value, step.atMs] }
  }
  const { endpoint, statusCode, aborted, times } = step
  const series: Series = { instrument: apiCalls, identity, properties, endpoint }
  const client = statusCode >= 400 && statusCode < 500 ? times : 0
  return { series, gained: [times, client, statusCode >= 500 ? times : 0, aborted ? times : 0] }
}

function perform(table: SeriesTable, step: Exclude<Step, Taking>): void {
  const { series, gained } = gainOf(step)
  if (step.type !== 'call') table.add(series, gained)
  else table.addCall(step.identity, step, step.times)
}

/** The same in plain Maps: what came first waits first, as the table has it. */
function createModel() {
  const names = new Set<string>()
  const waiting = new Map<string, number[]>()
  return {
    names,
    waiting,
    add(series: Series, gained: number[]): void {
      const name = nameOf(series)
      const has = waiting.get(name)
      names.add(name)
      waiting.set(name, has === undefined ? gained : [...mergeValues(series.instrument, has, gained)])
    },
    take(max: number): Array<[string, number[]]> {
      const taken = [...waiting].slice(0, max)
      for (const [name] of taken) waiting.delete(name)
      return taken
    },
  }
}

/** Counts calls in columns, as they come in a turn. */
function performTogether(
  table: SeriesTable,
  steps: ReadonlyArray<Step & { type: 'call' }>,
  kinds: Map<string, CallKind>,
) {
  const kindOf = ({ endpoint, properties, statusCode, aborted }: Step & { type: 'call' }) => {
    const name = JSON.stringify([endpoint, properties, statusCode, aborted])
    const kind = kinds.get(name) ?? newCallKind(endpoint, properties, statusCode, aborted)
    kinds.set(name, kind)
    return kind
  }
  table.addCalls({
    length: steps.length,
    userIds: steps.map(({ identity }) => identity.userId),
    accountIds: steps.map(({ identity }) => identity.accountId),
    kinds: steps.map(kindOf),
  })
}

const count = (table: SeriesTable, userId: string, route = '/', accountId?: string, times = 1) =>
  table.addCall(
    { userId, accountId },
    { properties: ownProperties, endpoint: { method: 'GET', route }, statusCode: 200, aborted: false },
    times,
  )

describe('the series table', () => {
  it('has the numbers of a plain map, whatever the ids are and whenever they are taken', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const { table } = tableWith()
        const model = createModel()
        for (const step of steps) {
          if (step.type === 'take') {
            const taken: Array<[string, number[]]> = []
            table.take(step.max).forEach((id, gained) => {
              taken.push([nameOf(table.describe(id)), Array.from(gained)])
            })
            expect(taken).toEqual(model.take(step.max))
          } else {
            perform(table, step)
            const { series, gained } = gainOf(step)
            model.add(series, gained)
          }
          expect([table.changed, table.size]).toEqual([model.waiting.size, model.names.size])
        }
        expect(takeAll(table)).toEqual(model.waiting)
      }),
      { numRuns: 300 },
    )
  })

  it('counts calls together as one by one, also new ids, and with two tables that take turns', () => {
    const ids = nasty.filter((id) => usableIdentity({ userId: id })?.userId === id)
    const identity = fc.record({ userId: ids, accountId: fc.option(ids, { nil: undefined }) })
    const calls = fc.array(
      call
        .map((one) => ({ ...one, times: 1 }))
        .chain((one) => identity.map((identity) => ({ ...one, identity }))),
      {
        maxLength: 40,
      },
    )
    fc.assert(
      fc.property(fc.array(calls, { maxLength: 6 }), (turns) => {
        const limits = { series: 20, endpointsPerIdentity: 4, propertySets: 3, users: 6 }
        const kinds = new Map<string, CallKind>()
        const together = [tableWith(limits), tableWith(limits)] as const
        const alone = [tableWith(limits), tableWith(limits)] as const
        turns.forEach((steps, turn) => {
          const at = turn % 2 === 0 ? 0 : 1
          performTogether(together[at].table, steps, kinds)
          for (const step of steps) perform(alone[at].table, step)
        })
        for (const at of [0, 1] as const) {
          expect(together[at].told).toEqual(alone[at].told)
          expect(together[at].table.calls).toBe(alone[at].table.calls)
          expect(takeAll(together[at].table)).toEqual(takeAll(alone[at].table))
        }
      }),
    )
  })

  it('makes ids usable that are counted for the first time', () => {
    const { table } = tableWith()
    const kind = newCallKind({ method: 'GET', route: '/' }, ownProperties, 200, false)
    const ids = ['a\ud800', 'a\ud800', 'ann']
    table.addCalls({
      length: 3,
      userIds: ids,
      accountIds: [undefined, undefined, 'b\udc00'],
      kinds: [kind, kind, kind],
    })
    const identities = [0, 1].map((id) => table.describe(id).identity)
    expect(identities).toEqual([
      usableIdentity({ userId: ids[0] }),
      usableIdentity({ userId: 'ann', accountId: 'b\udc00' }),
    ])
    expect([...takeAll(table).values()].map(([calls]) => calls)).toEqual([2, 1])
  })

  it('keeps thousands of users, endpoints and accounts apart through all its growth', () => {
    const { table } = tableWith()
    const expected = new Map<string, number[]>()
    for (let one = 0; one < 20_000; one++) {
      // The same user id stands in several accounts, and in none.
      const identity = {
        userId: `u${one % 97}`,
        accountId: one % 5 === 0 ? undefined : `account-${one % 1_013}`,
      }
      const endpoint = { method: one % 2 === 0 ? 'GET' : 'POST', route: `/${one % 11}` }
      const name = nameOf({ instrument: apiCalls, identity, properties: ownProperties, endpoint })
      const [calls = 0] = expected.get(name) ?? []
      expected.set(name, [calls + 1, 0, 0, 0])
      table.addCall(identity, {
        properties: ownProperties,
        endpoint: { method: endpoint.method, route: endpoint.route },
        statusCode: 200,
        aborted: false,
      })
    }
    expect(table.size).toBe(expected.size)
    expect(table.calls).toBe(20_000)
    expect(takeAll(table, 4_096)).toEqual(expected)
    expect(table.calls).toBe(0)
  })

  it('freezes what is taken: what is counted afterwards is in the next', () => {
    const { table } = tableWith()
    count(table, 'ann')
    const first = table.take(10)
    count(table, 'ann')
    count(table, 'ann')
    const numbers: number[] = []
    const note = (_id: number, gained: ArrayLike<number>) => void numbers.push(gained[0] as number)
    first.forEach(note)
    first.forEach(note)
    const second = table.take(10)
    second.forEach(note)
    expect(numbers).toEqual([1, 1, 2])
    expect([first.calls, second.calls, table.take(10).size]).toEqual([1, 2, 0])
  })

  it('takes properties for the same by what is in them, not by the object or the order', () => {
    const { table } = tableWith()
    for (let i = 0; i < 3_000; i++) {
      const properties = i % 2 === 0 ? { x: 1, y: 2 } : { y: 2, x: 1 }
      table.addCall(
        { userId: 'ann' },
        { properties, endpoint: { method: 'GET', route: '/' }, statusCode: 200, aborted: false },
      )
    }
    expect([...takeAll(table).values()]).toEqual([[3_000, 0, 0, 0]])
  })

  it('is exact to 2^53 - 1, then saturates and reports it', () => {
    const { table, told } = tableWith()
    const values = () => takeAll(table).values().next().value
    count(table, 'ann', '/', undefined, 2 ** 31)
    count(table, 'ann', '/', undefined, 2 ** 32)
    expect(values()).toEqual([2 ** 31 + 2 ** 32, 0, 0, 0])
    count(table, 'ann', '/', undefined, Number.MAX_SAFE_INTEGER - 1)
    count(table, 'ann')
    expect(told.saturations).toBe(0)
    count(table, 'ann')
    expect(told.saturations).toBe(1)
    expect(values()).toEqual([Number.MAX_SAFE_INTEGER, 0, 0, 0])
  })
})
