import { createMeter, memoryStore, type Store } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { createUsageDays } from '../../../packages/core/src/day/usage-day.ts'
import { createZeroFill, type ZeroFill } from '../../../packages/core/src/day/zero-fill.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'
import type { OutboxLine } from '../../../packages/core/src/model/outbox-line.ts'
import { batches } from '../../support/count-batch.ts'

vi.setConfig({ testTimeout: 60_000 })

const usageDays = createUsageDays('UTC')
const hourMs = 3_600_000
const dayMs = 24 * hourMs
const firstMs = Date.parse('2026-11-01T12:00:00Z')
const dayOf = (index: number) => usageDays.of(firstMs + index * dayMs)

/** Zeros as closing makes them, without a meter around. */
async function setUp(days: number, maxIdentities = 1_000) {
  const store = memoryStore()
  await store.open({ clock: fakeClock(firstMs), diagnostics: createDiagnostics(), timeZone: 'UTC' })
  let today = 0
  const put: string[] = []
  const failing = { failsAfter: Number.POSITIVE_INFINITY }
  const watched: Store = {
    ...store,
    async put(lines) {
      if (put.length >= failing.failsAfter) throw new Error('The store failed.')
      put.push(...lines.map(({ body }) => body))
      return store.put(lines)
    },
  }
  const make = (): ZeroFill =>
    createZeroFill({
      days,
      maxIdentities,
      rollups: [
        { eventName: 'endpoints', by: 'endpoint' },
        { eventName: 'calls', by: 'identity' },
      ],
      namespace: 'AP-1',
      usageDays,
      store: watched,
      today: () => dayOf(today),
      isDue: (day) => day < dayOf(today),
      toLine({ rollupId: id, day, eventName, identity, measures, properties, rank, calls }) {
        const text = [eventName, day, identity.userId, properties.apiType, measures.apiCalls]
        return { id, day, kind: 'event', rank, body: text.join(), calls }
      },
    })
  async function close(zeroFill: ZeroFill, index: number, users: readonly string[]): Promise<OutboxLine[]> {
    const addition = zeroFill.addition(dayOf(index))
    for (const userId of users) {
      const common = { day: dayOf(index), identity: { userId }, properties: { apiType: 'RESTful' } }
      const usage = { ...common, measures: { apiCalls: 1 }, revision: 0, rollupId: userId, calls: 1 } as const
      addition.see({ ...usage, eventName: 'calls', endpoint: undefined, rank: 'total' })
      addition.see({
        ...usage,
        eventName: 'endpoints',
        endpoint: { method: 'GET', route: '/' },
        rank: 'detail',
      })
    }
    const lines: OutboxLine[] = []
    for await (const line of addition.lines()) lines.push(line)
    return lines
  }
  function tomorrow(): void {
    today += 1
  }
  return { make, close, put, store, failing, tomorrow }
}

const bodies = (lines: OutboxLine[]) => lines.map(({ body }) => body).sort()

it('a closed day has a zero for each earlier identity that did not call, also after a revision', async () => {
  const user = fc.constantFrom('ann', 'bob', '__proto__', 'x y\nz', '"')
  const closed = fc.array(fc.uniqueArray(user), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(closed, fc.integer({ min: 1, max: 4 }), async (users, days) => {
      const { make, close } = await setUp(days)
      for (let index = 0; index < users.length; index++) {
        const called = users[index] as string[]
        const before = new Set(users.slice(Math.max(0, index - days), index).flat())
        const expected = [...before].filter((id) => !called.includes(id))
        const zeros = await close(make(), index, called)
        expect(bodies(zeros)).toEqual(expected.map((id) => `calls,${dayOf(index)},${id},RESTful,0`).sort())
        expect(await close(make(), index, called)).toEqual(zeros)
      }
    }),
    { numRuns: 50 },
  )
})

it('a day without any call has its zeros once, whichever process closes it', async () => {
  const { make, close, put, tomorrow } = await setUp(7)
  const running = make()
  await close(running, 0, ['ann'])
  tomorrow()
  await running.fillEmptyDays()
  expect(put).toEqual([])
  tomorrow()
  await running.fillEmptyDays()
  await running.fillEmptyDays()
  await make().fillEmptyDays()
  expect(put).toEqual([`calls,${dayOf(1)},ann,RESTful,0`])
})

it('late calls of a day that has its zeros bring no zero twice', async () => {
  const { make, close, tomorrow } = await setUp(7)
  const running = make()
  await close(running, 0, ['ann', 'bob'])
  for (let day = 0; day < 2; day++) tomorrow()
  await running.fillEmptyDays()
  expect(await close(make(), 1, ['bob'])).toEqual([])
  expect(bodies(await close(make(), 2, ['bob']))).toEqual([`calls,${dayOf(2)},ann,RESTful,0`])
})

it('a day waits for earlier ones that are open, because they may bring users', async () => {
  const { make, close, put, store, tomorrow } = await setUp(7)
  await close(make(), 0, ['ann'])
  tomorrow()
  await store.add(batches()({ bob: 1 }, dayOf(1)))
  tomorrow()
  const running = make()
  tomorrow()
  await running.fillEmptyDays()
  expect(put).toEqual([])
  await store.closeDay(dayOf(1), async function* () {})
  await close(make(), 1, ['bob'])
  await running.fillEmptyDays()
  expect(put.sort()).toEqual(['ann', 'bob'].map((user) => `calls,${dayOf(2)},${user},RESTful,0`))
})

it('a process that died between two slices leaves the rest to the next one', async () => {
  const { make, close, put, failing, tomorrow } = await setUp(7, 5_000)
  const [first, second] = [make(), make()]
  const users = Array.from({ length: 3_500 }, (_, index) => `user ${index}`)
  await close(first, 0, users)
  for (let day = 0; day < 2; day++) tomorrow()
  failing.failsAfter = 2_000
  await expect(first.fillEmptyDays()).rejects.toThrow('The store failed.')
  failing.failsAfter = Number.POSITIVE_INFINITY
  await second.fillEmptyDays()
  expect(put).toHaveLength(3_500)
  expect(new Set(put).size).toBe(3_500)
})

it('a day on which no process ran has no zeros, because there may have been calls', async () => {
  const { make, close, put, tomorrow } = await setUp(7)
  await close(make(), 0, ['ann'])
  for (let day = 0; day < 3; day++) tomorrow()
  const late = make()
  await late.fillEmptyDays()
  expect(put).toEqual([])
  tomorrow()
  await late.fillEmptyDays()
  expect(put).toEqual([`calls,${dayOf(3)},ann,RESTful,0`])
})

it('those seen last are remembered when there are too many', async () => {
  const { make, close } = await setUp(7, 2)
  await close(make(), 0, ['ann', 'bob'])
  await close(make(), 1, ['cid'])
  expect(bodies(await close(make(), 2, []))).toEqual([
    `calls,${dayOf(2)},bob,RESTful,0`,
    `calls,${dayOf(2)},cid,RESTful,0`,
  ])
})

it('20,000 identities are kept in a note of less than 40 bytes each', async () => {
  const { make, close, store } = await setUp(7, 200_000)
  const users = Array.from({ length: 20_000 }, (_, index) => `user-${(index * 7_919) % 1_000_003}`)
  await close(make(), 0, users)
  expect((await store.readNote('zero fill'))?.length).toBeLessThan(800_000)
  expect(await close(make(), 1, [])).toHaveLength(20_000)
})

it('who called yesterday and not today has an event that says 0, in the meter as a whole', async () => {
  const px = inMemoryDelivery()
  const clock = fakeClock('2026-11-23T23:30:00Z')
  const meter = createMeter({
    store: memoryStore(),
    clock,
    delivery: px.delivery,
    zeroFill: { days: 7 },
    attributes: { user: { apiCalls: 'dailyApiCalls' } },
  })
  meter.record({ identity: { userId: 'ann' }, method: 'GET', route: '/', statusCode: 200, aborted: false })
  await clock.advance(hourMs)
  meter.record({ identity: { userId: 'bob' }, method: 'GET', route: '/', statusCode: 200, aborted: false })
  await clock.advance(dayMs)
  await meter.flush()
  await clock.advance(dayMs)
  await meter.flush()
  const found = px.events
    .filter(({ eventName }) => eventName === 'dailyApiCalls')
    .map(({ identifyId, attributes }) => [attributes.day, identifyId, attributes.apiCalls])
  expect(found.sort()).toEqual([
    ['2026-11-23', 'ann', 1],
    ['2026-11-24', 'ann', 0],
    ['2026-11-24', 'bob', 1],
    ['2026-11-25', 'ann', 0],
    ['2026-11-25', 'bob', 0],
  ])
  expect(px.events).toHaveLength(7)
  expect(new Set(px.events.map(({ attributes }) => attributes.rollupId)).size).toBe(7)
  await meter.close()
})
