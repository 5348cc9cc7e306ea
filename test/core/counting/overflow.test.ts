import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { usableIdentity } from '../../../packages/core/src/attribution/identity.ts'
import { ownProperties, sumOf, tableWith, takeAll } from '../../support/series-tables.ts'

const overflowEndpoint = ['(overflow)', '(overflow)']

/** Calls by user, account and endpoint, as JSON. */
function callsBy(taken: Map<string, number[]>): Record<string, number> {
  const calls: Record<string, number> = {}
  for (const [name, [times = 0]] of taken) {
    const [, [userId, accountId], , endpoint] = JSON.parse(name)
    calls[JSON.stringify([userId, accountId, endpoint[1]])] = times
  }
  return calls
}

describe('beyond a limit', () => {
  it.each([
    ['endpoints of one identity', { endpointsPerIdentity: 3 }],
    ['series', { series: 3 }],
  ])('of %s new endpoints are counted as one (overflow) of their user', (_what, limits) => {
    const { table, told } = tableWith(limits)
    for (let i = 0; i < 100; i++) {
      const method = i % 2 === 0 ? 'GET' : 'POST'
      table.addCall(
        { userId: 'ann' },
        { properties: ownProperties, endpoint: { method, route: `/${i}` }, statusCode: 200, aborted: false },
      )
    }
    table.addCall(
      { userId: 'ann' },
      {
        properties: ownProperties,
        endpoint: { method: 'GET', route: '/0' },
        statusCode: 200,
        aborted: false,
      },
    )
    const taken = takeAll(table)
    expect(callsBy(taken)).toEqual({
      '["ann",null,"/0"]': 2,
      '["ann",null,"/1"]': 1,
      '["ann",null,"/2"]': 1,
      '["ann",null,"(overflow)"]': 97,
    })
    expect([...taken.keys()].filter((name) => name.includes(JSON.stringify(overflowEndpoint)))).toHaveLength(
      1,
    )
    expect(table.size).toBe(4)
    expect(told.folds).toEqual({ endpoints: 97 })
  })

  it('of series a new user still has totals of their own', () => {
    const { table } = tableWith({ series: 1 })
    for (const userId of ['ann', 'bob', 'cy']) {
      for (const route of ['/a', '/b'])
        table.addCall(
          { userId },
          { properties: ownProperties, endpoint: { method: 'GET', route }, statusCode: 200, aborted: false },
        )
    }
    expect(callsBy(takeAll(table))).toEqual({
      '["ann",null,"/a"]': 1,
      '["ann",null,"(overflow)"]': 1,
      '["bob",null,"(overflow)"]': 2,
      '["cy",null,"(overflow)"]': 2,
    })
  })

  it('of sets of properties a new one is counted under those of the meter', () => {
    const { table, told } = tableWith({ propertySets: 2 })
    for (let i = 0; i < 10; i++) {
      table.addCall(
        { userId: 'ann' },
        {
          properties: { plan: `p${i}` },
          endpoint: { method: 'GET', route: '/' },
          statusCode: 200,
          aborted: false,
        },
      )
    }
    const sets = [...takeAll(table)].map(([name, [calls]]) => [JSON.parse(name)[2], calls])
    expect(sets).toEqual([
      [[['plan', 'p0']], 1],
      [[['plan', 'p1']], 1],
      [[['apiType', 'RESTful']], 8],
    ])
    expect(told.folds).toEqual({ properties: 8 })
  })

  it('of users new ones are counted as the user (overflow) of their account, then of one account', () => {
    const { table, told } = tableWith({ users: 2 })
    for (const [userId, accountId] of [
      ['ann', 'acme'],
      ['bob', undefined],
      ['cy', 'acme'],
      ['dan', 'acme'],
      ['ann', 'acme'],
      ['eve', undefined],
      ['fay', 'beta'],
      ['gil', 'gamma'],
      ['hal', 'delta'],
      ['ann', 'gamma'],
    ] as const) {
      table.addCall(
        { userId, accountId },
        {
          properties: ownProperties,
          endpoint: { method: 'GET', route: '/' },
          statusCode: 200,
          aborted: false,
        },
      )
    }
    expect(callsBy(takeAll(table))).toEqual({
      '["ann","acme","/"]': 2,
      '["bob",null,"/"]': 1,
      '["(overflow)","acme","/"]': 2,
      '["(overflow)",null,"/"]': 1,
      '["(overflow)","(overflow)","/"]': 4,
    })
    expect(told.folds).toEqual({ users: 3, accounts: 4 })
  })

  it('no user of the app is confused with the user (overflow)', () => {
    for (const given of [{ userId: '(overflow)' }, { userId: 'ann', accountId: '(overflow)' }]) {
      const identity = usableIdentity(given)
      expect([identity?.userId, identity?.accountId]).not.toContain('(overflow)')
      expect(identity).toEqual(usableIdentity(given))
    }
  })

  it('a day of far more users than fit keeps exact totals and a bounded number of series', () => {
    const limits = { series: 5_000, endpointsPerIdentity: 10, propertySets: 3, users: 1_000 }
    const { table } = tableWith(limits)
    const calls = 300_000
    for (let i = 0; i < calls; i++) {
      const identity = { userId: `user-${i}`, accountId: i % 3 === 0 ? undefined : `account-${i % 50_021}` }
      table.addCall(identity, {
        properties: { plan: i % 7 },
        endpoint: { method: 'GET', route: `/${i % 1_009}` },
        statusCode: 500,
        aborted: i % 2 === 0,
      })
    }
    expect(table.calls).toBe(calls)
    expect(table.size).toBeLessThanOrEqual(2 * limits.series + 2 * limits.users + 1)
    const taken = takeAll(table, 4_096)
    expect([sumOf(taken), sumOf(taken, 2), sumOf(taken, 3)]).toEqual([calls, calls, calls / 2])
  })

  it('totals are exact and the number of series is bounded, whatever comes', () => {
    const limit = fc.integer({ min: 1, max: 4 })
    const text = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', '(overflow)')
    const call = fc.record({
      userId: text,
      accountId: fc.option(text, { nil: undefined }),
      plan: text,
      route: text,
      times: fc.nat(5),
    })
    const limits = fc.record({
      series: limit,
      endpointsPerIdentity: limit,
      propertySets: limit,
      users: limit,
    })
    fc.assert(
      fc.property(limits, fc.array(call, { maxLength: 200 }), (limits, calls) => {
        const { table, told } = tableWith(limits)
        let total = 0
        for (const { userId, accountId, plan, route, times } of calls) {
          table.addCall(
            { userId, accountId },
            { properties: { plan }, endpoint: { method: 'GET', route }, statusCode: 200, aborted: false },
            times,
          )
          total += times
        }
        expect(table.calls).toBe(total)
        expect(sumOf(takeAll(table))).toBe(total)
        // Each identity has one series more at most, without endpoint and properties of its own: per route named like the fold.
        expect(table.size).toBeLessThanOrEqual(2 * limits.series + 2 * (2 * limits.users + 2))
        expect(Object.values(told.folds).every((folds) => folds <= total)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
