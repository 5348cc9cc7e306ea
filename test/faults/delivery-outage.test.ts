import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { memoryStore, type UsageError } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { expect, it } from 'vitest'
import { createDailyBudget } from '../../packages/core/src/delivery/daily-budget.ts'
import { createDelivery } from '../../packages/core/src/delivery/deliver-outbox.ts'
import type { DeliveryResult } from '../../packages/core/src/delivery/delivery-result.ts'
import { createPacing } from '../../packages/core/src/delivery/pacing.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import { mostIn } from '../support/most-in.ts'
import { eventLine } from '../support/px-sender.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const second = 1_000
const minute = 60 * second
const day = 24 * 60 * minute
const linesPerDay = 700
const maxRequestsPerSecond = 20
const maxRequestsPerDay = 1_500

function heapBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

it('PX down for three days, then slow, then impatient: nothing grows, all arrives in order of days, within rate and budget', async () => {
  const clock = fakeClock('2026-11-24T00:15:00Z')
  const errors: UsageError[] = []
  const diagnostics = createDiagnostics((error) => errors.push(error))
  const store = memoryStore()
  await store.open({ clock, diagnostics, timeZone: 'UTC' })
  const budget = createDailyBudget({ notes: store, clock, perDay: maxRequestsPerDay })
  const pacing = createPacing({ clock, budget, perSecond: maxRequestsPerSecond })
  const requests: number[] = []
  const arrived: string[] = []
  let answer: (id: string) => Promise<DeliveryResult> = async () => ({
    outcome: 'retryable',
    reason: 'ECONNREFUSED',
  })
  const delivery = createDelivery({
    store,
    send: ({ id }) => {
      requests.push(clock.now())
      return answer(id)
    },
    leave: pacing.leave,
    untilNextBudgetMs: budget.untilNextDayMs,
    clock,
    network: clock,
    diagnostics,
    reconcileAfterMs: 15 * minute,
    auditAfterMs: 21_600_000,
    startJitterMs: 5 * minute,
  })
  async function closeDay(label: string): Promise<void> {
    await store.put(
      Array.from({ length: linesPerDay }, (_, index) => eventLine(`${label}.${index}`, { day: label })),
    )
    delivery.wake()
  }
  const take = (id: string): DeliveryResult => {
    arrived.push(id)
    return { outcome: 'delivered' }
  }

  // Down, while days close.
  for (const label of ['2026-11-23', '2026-11-24', '2026-11-25']) {
    await closeDay(label)
    await clock.advance(minute)
    const before = { heap: heapBytes(), requests: requests.length }
    for (let passed = 0; passed < day - minute; passed += minute) await clock.advance(minute)
    expect(heapBytes() - before.heap).toBeLessThan(4 * 1024 * 1024)
    expect(requests.length - before.requests).toBeLessThan(1_200)
  }
  expect(store.outboxCounts()).toMatchObject({
    closed: 3 * linesPerDay,
    pending: 3 * linesPerDay,
    unknown: 0,
  })
  expect(delivery.state().oldestWaitingDay).toBe('2026-11-23')
  const triesWhileDown = requests.length

  // Slow: each answer takes nine seconds.
  answer = (id) => new Promise((resolve) => void clock.setTimer(() => resolve(take(id)), 9 * second))
  await clock.advance(20 * minute)
  expect(arrived.length).toBeGreaterThan(500)

  // Then it asks for patience now and then, for a minute or without saying how long.
  let asked = 0
  answer = async (id) => {
    asked += 1
    if (asked % 50 > 0) return take(id)
    return { outcome: 'retryable', reason: '429', afterMs: asked % 100 === 0 ? minute : undefined }
  }
  for (let passed = 0; passed < 3 * day; passed += 10 * minute) await clock.advance(10 * minute)

  expect(store.outboxCounts()).toMatchObject({
    delivered: 3 * linesPerDay,
    pending: 0,
    unknown: 0,
    rejected: 0,
  })
  expect(new Set(arrived).size).toBe(3 * linesPerDay)
  expect(arrived).toHaveLength(3 * linesPerDay)
  // Lines on their way together may overtake each other, days may not: but for the eight requests of a change of day.
  const days = arrived.map((id) => id.split('.')[0] as string)
  const overtaken = days.filter((label, at) => label < (days[Math.max(0, at - 8)] as string))
  expect(overtaken).toEqual([])
  expect(mostIn(second, requests)).toBeLessThanOrEqual(maxRequestsPerSecond)
  const perDay = new Map<number, number>()
  for (const atMs of requests)
    perDay.set(Math.floor(atMs / day), (perDay.get(Math.floor(atMs / day)) ?? 0) + 1)
  expect(Math.max(...perDay.values())).toBeLessThanOrEqual(maxRequestsPerDay)
  expect(errors.map(({ code }) => code)).toEqual(['PXU_ERR_DELIVERY_UNREACHABLE'])
  console.log(
    `${triesWhileDown} requests in three days of outage, ${requests.length} in all; at most ${mostIn(second, requests)} in a second and ${Math.max(...perDay.values())} in a day`,
  )
  await delivery.stop()
})
