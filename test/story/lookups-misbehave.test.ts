import { createMeter, identifyBy, memoryStore } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { expect, it } from 'vitest'

const ttlMs = 300_000
const negativeTtlMs = 10_000

/** The same numbers in every run (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

it('a lookup that fails, hangs or is slow costs no call and runs once for each credential', async () => {
  const random = seededRandom(20_261_123)
  // Across midnight, so that calls wait for their owner while the day ends.
  const clock = fakeClock('2026-11-23T23:59:30Z')
  const px = inMemoryDelivery()
  const meter = createMeter({
    clock,
    store: memoryStore(),
    delivery: px.delivery,
    rollups: [{ eventName: 'dailyApiCalls', by: 'identity' }],
  })
  /** What is true of a credential: when it was looked up, whether that gave its owner, and the calls since. */
  const truth = new Map<string, Array<{ atMs: number; isFound: boolean; callsByDay: Map<string, number> }>>()

  const later = <T>(delayMs: number, conclude: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      clock.setTimer(() => {
        try {
          resolve(conclude())
        } catch (error) {
          reject(error)
        }
      }, delayMs)
    })

  const identify = identifyBy<string>({
    credential: (key) => key,
    clock,
    ttlMs,
    negativeTtlMs,
    lookup(key) {
      const dice = random()
      const fails = dice < 0.3
      const hangs = dice >= 0.3 && dice < 0.4
      const isSlow = dice >= 0.4 && dice < 0.6
      const lookups = truth.get(key) ?? []
      truth.set(key, lookups)
      lookups.push({ atMs: clock.elapsed(), isFound: !fails && !hangs, callsByDay: new Map() })
      if (hangs) return new Promise(() => {})
      if (fails && dice < 0.1) throw new Error('pool is closed')
      return later(isSlow ? 900 : 5, () => {
        if (fails) throw new Error('connection reset')
        return { userId: key }
      })
    },
  })

  const calls = 120_000
  for (let made = 0; made < calls; made += 20) {
    for (let i = 0; i < 20; i++) {
      const key = `k${Math.floor(random() ** 2 * 500)}`
      meter.record({
        identity: identify(key) as never,
        method: 'GET',
        route: `/${Math.floor(random() * 8)}`,
        statusCode: random() < 0.1 ? 500 : 200,
        aborted: false,
      })
      const day = new Date(clock.now()).toISOString().slice(0, 10)
      const { callsByDay } = truth.get(key)?.at(-1) ?? { callsByDay: new Map<string, number>() }
      callsByDay.set(day, (callsByDay.get(day) ?? 0) + 1)
    }
    await clock.advance(10)
  }
  await clock.advance(1_000)

  const expected = new Map<string, number>()
  let unattributed = 0
  for (const [key, lookups] of truth) {
    lookups.forEach(({ isFound, callsByDay, atMs }, index) => {
      for (const [day, times] of callsByDay) {
        if (isFound) expected.set(`${day} ${key}`, (expected.get(`${day} ${key}`) ?? 0) + times)
        else unattributed += times
      }
      const before = lookups[index - 1]
      if (before !== undefined) {
        expect(before.isFound, 'an owner that is known is not looked up again').toBe(false)
        expect(atMs - before.atMs).toBeGreaterThan(negativeTtlMs)
      }
    })
  }
  const { pending, counted, unattributed: told } = meter.stats().calls
  expect(pending).toBe(0)
  expect(told.threw + told.rejected + told.timedOut).toBe(unattributed)
  expect(counted).toBe(calls - unattributed)

  await meter.close()
  const received = px.events.map(({ identifyId, attributes }): [string, number] => [
    `${attributes.day} ${identifyId}`,
    attributes.apiCalls as number,
  ])
  expect(received.sort()).toEqual([...expected].sort())
  const lookups = [...truth.values()].flat()
  console.log(
    `${calls.toLocaleString('en')} calls of ${truth.size} credentials, ${lookups.length} lookups, ${lookups.filter(({ isFound }) => !isFound).length} of them failed: ${counted.toLocaleString('en')} counted, ${unattributed.toLocaleString('en')} told, 0 lost, 0 doubled`,
  )
})
