import { createMeter, type IdentityInput, memoryStore } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** The owners that PX is sent for these calls, as they stand in the JSON on the wire, with their numbers. */
async function eventsOf(
  identities: readonly IdentityInput[],
): Promise<Array<[string, string | undefined, number]>> {
  const px = inMemoryDelivery()
  const meter = createMeter({
    clock: fakeClock('2026-11-23T10:00:00Z'),
    store: memoryStore(),
    delivery: px.delivery,
    rollups: [{ eventName: 'dailyApiCalls', by: 'identity' }],
  })
  for (const identity of identities) {
    meter.record({ identity, method: 'GET', route: '/a', statusCode: 200, aborted: false })
  }
  await meter.close()
  return px.events.map(({ identifyId, accountId, attributes }) => [
    identifyId,
    accountId,
    attributes.apiCalls as number,
  ])
}

const ids = {
  'a name of every object': '__proto__',
  'a constructor': 'constructor',
  'a method of every object': 'hasOwnProperty',
  'a separator': 'a|b',
  'a line break': 'a\r\nX-Injected: 1',
  'a NUL': 'a\0b',
  'an astronaut': '🧑‍🚀',
  'right to left': 'مستخدم\u202eabc',
  composed: '\u00e9',
  decomposed: 'e\u0301',
  'JSON itself': '","accountId":"evil',
  'a filter': 'identifyId==*;\'"?%2F',
  'blanks around it': ' padded\t',
  '500 characters': 'x'.repeat(500),
  'a minus sign that is none': '−1',
}

describe('an id reaches PX byte for byte', () => {
  it.each(Object.entries(ids))('with %s', async (_what, id) => {
    expect(await eventsOf([{ userId: id, accountId: id }])).toEqual([[id, id, 1]])
  })

  it('beside all the others', async () => {
    const all = Object.values(ids)
    const events = await eventsOf(all.flatMap((userId) => all.map((accountId) => ({ userId, accountId }))))
    expect(events).toHaveLength(all.length ** 2)
    expect(new Set(events.map((event) => JSON.stringify(event))).size).toBe(all.length ** 2)
  })
})

it('a number and its text are the same id', async () => {
  expect(
    await eventsOf([
      { userId: 1, accountId: '7' },
      { userId: '1', accountId: 7 },
    ]),
  ).toEqual([['1', '7', 2]])
})

it('an id over 500 characters becomes a stable short form, a different one for each', async () => {
  const long = 'é'.repeat(5_000)
  const events = await eventsOf([{ userId: long }, { userId: `${long}1` }, { userId: long }])
  expect(events.map(([userId, , calls]) => [userId.length, calls]).sort()).toEqual([
    [465, 1],
    [465, 2],
  ])
})

it('no two users become one and no user becomes two, whatever their ids are', async () => {
  const id = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
    fc.string({
      unit: fc.constantFrom('a', '|', '"', ',', '\\', '\0', '\ud800', '~'),
      minLength: 1,
      maxLength: 4,
    }),
    fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 498, maxLength: 503 }),
    fc.integer().map(String),
    fc.constantFrom(...Object.values(ids)),
  )
  const owner = fc.record({ userId: id, accountId: fc.option(id, { nil: undefined }) })
  await fc.assert(
    fc.asyncProperty(fc.array(owner, { minLength: 2, maxLength: 20 }), async (owners) => {
      const expected = new Map<string, number>()
      for (const { userId, accountId } of owners) {
        const key = JSON.stringify([userId, accountId ?? null])
        expected.set(key, (expected.get(key) ?? 0) + 1)
      }
      const events = await eventsOf(owners)
      expect(new Set(events.map(([user, account]) => JSON.stringify([user, account]))).size).toBe(
        expected.size,
      )
      expect(events.map(([, , calls]) => calls).sort()).toEqual([...expected.values()].sort())
    }),
    { numRuns: 200 },
  )
}, 60_000)
