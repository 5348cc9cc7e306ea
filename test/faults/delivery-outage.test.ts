import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore, type Store, type UsageError } from '@px-usage/core'
import { type FakeClock, fakeClock } from '@px-usage/core/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDailyBudget } from '../../packages/core/src/delivery/daily-budget.ts'
import { createRateLimit } from '../../packages/core/src/delivery/rate-limit.ts'
import { createDelivery, type Delivery } from '../../packages/core/src/delivery/send-outbox.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import type { DeliveryResult } from '../../packages/core/src/px/delivery-result.ts'
import type { LookUpResult } from '../../packages/core/src/px/look-up-events.ts'
import { fileStoreOn } from '../../packages/core/src/stores/file-store.ts'
import { collectGarbage } from '../support/collect-garbage.ts'
import { mostIn } from '../support/most-in.ts'
import { eventLine } from '../support/px-sender.ts'
import { quickDisk } from '../support/quick-disk.ts'

const second = 1_000
const minute = 60 * second
const day = 24 * 60 * minute
const mebibyte = 1024 * 1024
const maxRequestsPerSecond = 20

let dir: string
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-outage-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true }))

function heapBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

function folderBytes(): number {
  const names = fs.readdirSync(dir, { recursive: true, encoding: 'utf8' })
  const sizes = names.map((name) => fs.statSync(join(dir, name))).filter((stat) => stat.isFile())
  return sizes.reduce((sum, { size }) => sum + size, 0)
}

/** A sender on a clock that only the test moves, with a PX that does what the test says. */
interface Outage {
  clock: FakeClock
  store: Store
  delivery: Delivery
  errors: UsageError[]
  /** When each request started. */
  requests: number[]
  /** Ids of what PX took, in order. */
  arrived: string[]
  answer(id: string): Promise<DeliveryResult> | DeliveryResult
  take(id: string): DeliveryResult
  closeDay(label: string, lines: number): Promise<void>
  pass(ms: number, stepMs?: number): Promise<void>
  requestsOnBusiestDay(): number
}

async function startOutage(store: Store, maxRequestsPerDay: number): Promise<Outage> {
  const clock = fakeClock('2026-11-24T00:15:00Z')
  const errors: UsageError[] = []
  const diagnostics = createDiagnostics((error) => errors.push(error))
  await store.open({ clock, diagnostics, timeZone: 'UTC' })
  const budget = createDailyBudget({ notes: store, clock, perDay: maxRequestsPerDay })
  const { acquire } = createRateLimit({ clock, budget, perSecond: maxRequestsPerSecond })
  const outage: Outage = {
    ...{ clock, store, errors, requests: [], arrived: [] },
    delivery: createDelivery({
      ...{ store, clock, network: clock, diagnostics, acquire },
      async send({ id }) {
        outage.requests.push(clock.now())
        return outage.answer(id)
      },
      async lookUp(sought): Promise<LookUpResult> {
        const [found, absent] = [new Map<string, Set<unknown>>(), new Set<string>()]
        if ((await acquire()) !== 'granted')
          return { found, absent, failure: { kind: 'budgetSpent', reason: 'spent' } }
        outage.requests.push(clock.now())
        const { outcome } = await outage.answer('')
        if (outcome !== 'delivered') return { found, absent, failure: { kind: 'failed', reason: '500' } }
        outage.arrived.pop()
        for (const { id } of sought) {
          if (outage.arrived.includes(id)) found.set(id, new Set([id]))
          else absent.add(id)
        }
        return { found, absent }
      },
      untilNextBudgetMs: budget.untilNextDayMs,
      lookUpAfterMs: 15 * minute,
      startJitterMs: 5 * minute,
    }),
    answer: () => ({ outcome: 'retryable', reason: 'ECONNREFUSED' }),
    take(id) {
      outage.arrived.push(id)
      return { outcome: 'delivered' }
    },
    async closeDay(label, lines) {
      await store.put(
        Array.from({ length: lines }, (_, index) => eventLine(`${label}.${index}`, { day: label })),
      )
      outage.delivery.wake()
    },
    async pass(ms, stepMs = minute) {
      for (let passed = 0; passed < ms; passed += stepMs) await clock.advance(Math.min(stepMs, ms - passed))
    },
    requestsOnBusiestDay() {
      const perDay = new Map<number, number>()
      for (const atMs of outage.requests) {
        perDay.set(Math.floor(atMs / day), (perDay.get(Math.floor(atMs / day)) ?? 0) + 1)
      }
      return Math.max(...perDay.values())
    },
  }
  return outage
}

describe.each([
  ['memory', () => memoryStore()],
  ['file', () => fileStoreOn(quickDisk, { dir })],
])('the %s store', (name, makeStore) => {
  it('stays flat while PX is down, then slow, then limiting, and sends days in order in budget', async () => {
    const linesPerDay = 700
    const maxRequestsPerDay = 1_500
    const outage = await startOutage(makeStore(), maxRequestsPerDay)
    const { clock, store, delivery, requests, arrived, errors, take, pass } = outage

    // Down, while days close.
    for (const label of ['2026-11-23', '2026-11-24', '2026-11-25']) {
      await outage.closeDay(label, linesPerDay)
      await pass(minute)
      const before = { heap: heapBytes(), folder: folderBytes(), requests: requests.length }
      await pass(day - minute)
      expect(heapBytes() - before.heap).toBeLessThan(3 * mebibyte)
      expect(folderBytes() - before.folder).toBeLessThan(mebibyte / 4)
      expect(requests.length - before.requests).toBeLessThan(1_200)
    }
    expect(store.outboxCounts()).toMatchObject({ closed: 2_100, pending: 2_100, unconfirmed: 0 })
    expect(delivery.state().oldestWaitingDay).toBe('2026-11-23')
    const triesWhileDown = requests.length

    // Slow: each reply takes nine seconds.
    outage.answer = (id) => new Promise((resolve) => void clock.setTimer(() => resolve(take(id)), 9 * second))
    await pass(20 * minute)
    expect(arrived.length).toBeGreaterThan(500)

    // Then it asks for patience now and then, for a minute or without saying how long.
    let asked = 0
    outage.answer = (id) => {
      asked += 1
      if (asked % 50 > 0) return take(id)
      return { outcome: 'retryable', reason: '429', afterMs: asked % 100 === 0 ? minute : undefined }
    }
    await pass(3 * day, 10 * minute)

    expect(store.outboxCounts()).toMatchObject({ delivered: 2_100, pending: 0, unconfirmed: 0, rejected: 0 })
    expect(new Set(arrived).size).toBe(2_100)
    expect(arrived).toHaveLength(2_100)
    // Lines on their way together may overtake each other, days may not: but for the eight requests of a change of day.
    const days = arrived.map((id) => id.split('.')[0] as string)
    const overtaken = days.filter((label, at) => label < (days[Math.max(0, at - 8)] as string))
    expect(overtaken).toEqual([])
    expect(mostIn(second, requests)).toBeLessThanOrEqual(maxRequestsPerSecond)
    expect(outage.requestsOnBusiestDay()).toBeLessThanOrEqual(maxRequestsPerDay)
    expect(errors.map(({ code }) => code)).toEqual(['PXU_ERR_DELIVERY_UNREACHABLE'])
    console.log(
      `${name} store: ${triesWhileDown} requests in three days of outage, ${requests.length} in all; at most ${mostIn(second, requests)} in a second and ${outage.requestsOnBusiestDay()} in a day; ${folderBytes()} bytes on the disk`,
    )
    await delivery.stop()
    await store.close()
  })
})

it('memory and disk stay flat through 72 h of 500, and each of 800 lines arrives once after it', async () => {
  const store = fileStoreOn(quickDisk, { dir })
  const outage = await startOutage(store, 10_000)
  const { requests, arrived, delivery, pass } = outage
  outage.answer = () => ({ outcome: 'unconfirmed', reason: 'PX returned 500.' })
  await outage.closeDay('2026-11-23', 800)
  await pass(10 * minute)
  const before = { heap: heapBytes(), folder: folderBytes() }
  const grown: number[] = []
  for (let passed = 0; passed < 3; passed++) {
    await pass(day, 10 * minute)
    grown.push(folderBytes() - before.folder)
    expect(heapBytes() - before.heap).toBeLessThan(3 * mebibyte)
  }
  const { closed, pending, unconfirmed } = store.outboxCounts()
  expect([closed, pending + unconfirmed]).toEqual([800, 800])
  const triesWhileDown = requests.length
  console.log(
    `72 h of 500: ${triesWhileDown} requests, ${unconfirmed} lines unknown, the folder grew by ${grown.join(', ')} bytes`,
  )
  expect(Math.max(...grown)).toBeLessThan(mebibyte / 2)

  outage.answer = outage.take
  await pass(2 * day, 10 * minute)
  expect(store.outboxCounts()).toMatchObject({ delivered: 800, pending: 0, unconfirmed: 0 })
  expect(arrived).toHaveLength(800)
  expect(new Set(arrived).size).toBe(800)
  expect(mostIn(second, requests)).toBeLessThanOrEqual(maxRequestsPerSecond)
  expect(outage.requestsOnBusiestDay()).toBeLessThanOrEqual(10_000)
  await delivery.stop()
  await store.close()
})
