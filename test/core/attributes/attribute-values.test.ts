import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createAttributeSums } from '../../../packages/core/src/attributes/attribute-values.ts'
import { rollUp } from '../../../packages/core/src/day/rollup.ts'
import type { Instrument, SeriesTotal } from '../../../packages/core/src/model/series.ts'

const calls: Instrument = {
  name: 'apiCalls',
  kind: 'sum',
  measures: ['apiCalls', 'clientErrors', 'serverErrors', 'aborted'],
}
const storage: Instrument = { name: 'storage', kind: 'last', measures: ['gigabytes', 'readAtMs'] }

const total = fc.record({
  user: fc.constantFrom('ann', 'bob', '__proto__'),
  account: fc.constantFrom(undefined, 'acme', 'ann'),
  apiType: fc.constantFrom('RESTful', 'GraphQL'),
  route: fc.constantFrom('/a', '/b'),
  isCalls: fc.boolean(),
  value: fc.integer({ min: 1, max: 1_000 }),
})

it('a user has the sum of its series, and an account that of its users, for any rollups', async () => {
  const rollups = fc.constantFrom(
    [
      { eventName: 'dailyApiCalls', by: 'identity' as const },
      { eventName: 'dailyEndpointCalls', by: 'endpoint' as const },
    ],
    [{ eventName: 'dailyEndpointCalls', by: 'endpoint' as const }],
  )
  await fc.assert(
    fc.asyncProperty(fc.array(total, { maxLength: 30 }), rollups, async (given, rollups) => {
      const settings = { rollups, day: '2026-11-23', timeZone: 'UTC', revision: 0, namespace: 'AP-1' }
      const names = { apiCalls: 'calls', gigabytes: 'storage' }
      const sums = createAttributeSums({ ...settings, names: { user: names, account: names } })
      const expected = new Map<string, Record<string, number>>()
      const readings = new Map<string, number>()
      const expectOf = (kind: string, id: string | undefined, name: string, value: number) => {
        if (id === undefined) return
        const key = JSON.stringify([kind, id])
        const values = expected.get(key) ?? {}
        values[name] = (values[name] ?? 0) + value
        expected.set(key, values)
      }
      const totals = given.map(({ user, account, apiType, route, isCalls, value }, time): SeriesTotal => {
        const identity = account === undefined ? { userId: user } : { userId: user, accountId: account }
        const properties = { apiType }
        if (isCalls) {
          expectOf('user', user, 'calls', value)
          expectOf('account', account, 'calls', value)
          const endpoint = { method: 'GET', route }
          return {
            series: { instrument: calls, identity, properties, endpoint },
            values: [value, 0, 0, 0],
          }
        }
        readings.set(JSON.stringify([user, account, apiType]), value)
        return { series: { instrument: storage, identity, properties }, values: [value, time] }
      })
      for (const [key, value] of readings) {
        const [user, account] = JSON.parse(key)
        expectOf('user', user, 'storage', value)
        expectOf('account', account ?? undefined, 'storage', value)
      }
      for await (const usage of rollUp(totals, settings)) sums.see(usage)
      const values = [...sums.values()]
      expect(new Map(values.map(({ kind, id, values }) => [JSON.stringify([kind, id]), values]))).toEqual(
        expected,
      )
      expect(new Set(values.map(({ lineId }) => lineId)).size).toBe(values.length)
    }),
    { numRuns: 100 },
  )
})

it('the ids of the lines depend on the day, the zone and the product, and on nothing else', async () => {
  const series = { instrument: calls, identity: { userId: 'ann' }, properties: {} }
  async function lineId(changed: object, value = 1): Promise<string> {
    const settings = {
      rollups: [{ eventName: 'dailyApiCalls', by: 'identity' as const }],
      day: '2026-11-23',
      timeZone: 'UTC',
      namespace: 'AP-1',
      revision: 0,
      ...changed,
    }
    const sums = createAttributeSums({ ...settings, names: { user: { apiCalls: 'x' }, account: {} } })
    for await (const usage of rollUp([{ series, values: [value, 0, 0, 0] }], settings)) sums.see(usage)
    return [...sums.values()].map(({ lineId }) => lineId).join()
  }
  const id = await lineId({})
  expect(await lineId({}, 2)).toBe(id)
  const others = await Promise.all(
    [{ day: '2026-11-24' }, { timeZone: 'Asia/Tokyo' }, { namespace: 'AP-2' }].map((changed) =>
      lineId(changed),
    ),
  )
  expect(new Set([id, ...others]).size).toBe(4)
})

it('the value of users beyond the limit is set on their account, not on a user', async () => {
  const settings = { rollups: [], day: '2026-11-23', timeZone: 'UTC', revision: 0, namespace: 'AP-1' }
  const names = { gigabytes: 'storage' }
  const sums = createAttributeSums({ ...settings, names: { user: names, account: names } })
  const series = (userId: string) => ({
    instrument: storage,
    identity: { userId, accountId: 'acme' },
    properties: {},
  })
  const totals = [
    { series: series('(overflow)'), values: [5, 0] },
    { series: series('ann'), values: [2, 0] },
  ]
  for await (const usage of rollUp(totals, settings)) sums.see(usage)
  expect([...sums.values()].map(({ kind, id, values }) => [kind, id, values])).toEqual([
    ['user', 'ann', { storage: 2 }],
    ['account', 'acme', { storage: 7 }],
  ])
})
