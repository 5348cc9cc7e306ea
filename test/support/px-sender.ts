import { setImmediate } from 'node:timers/promises'
import { memoryStore, type OutboxLine, type Store, type UsageError } from '@px-usage/core'
import { type FakeClock, fakeClock } from '@px-usage/core/testing'
import {
  createPxDelivery,
  type PxDelivery,
  type PxDeliverySettings,
} from '../../packages/core/src/delivery/create-px-delivery.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'

export const testKey = 'test-key-5f0c2e'

export interface Sender {
  clock: FakeClock
  store: Store
  delivery: PxDelivery
  errors: UsageError[]
  put(...lines: OutboxLine[]): Promise<void>
  /** Lets time pass in steps, and after each step what is on its way over the network. */
  pass(ms: number, stepMs?: number): Promise<void>
  /** Until nothing is on its way. */
  idle(): Promise<void>
  close(): Promise<void>
}

/** The sender of a meter with a store of its own, on a clock that moves only when the test says so. */
export async function startSender(
  baseUrl: string,
  options: Partial<PxDeliverySettings> = {},
  {
    clock = fakeClock('2026-11-24T00:15:00Z'),
    store = memoryStore(),
  }: { clock?: FakeClock; store?: Store } = {},
): Promise<Sender> {
  const errors: UsageError[] = []
  const diagnostics = createDiagnostics((error) => errors.push(error))
  await store.open({ clock, diagnostics, timeZone: 'UTC' })
  const delivery = createPxDelivery(
    {
      baseUrl,
      apiKey: () => testKey,
      dispatcher: undefined,
      requestTimeoutMs: 2_000,
      delivery: undefined,
      dryRun: false,
      maxRequestsPerSecond: 1_000_000,
      maxRequestsPerDay: 800_000,
      startJitterMs: 0,
      lookUp: true,
      lookUpAfterMs: 900_000,
      clock,
      ...options,
    },
    { store, diagnostics, confirmClock: () => {} },
  )
  const sender: Sender = {
    clock,
    store,
    delivery,
    errors,
    put: (...lines) => store.put(lines),
    async pass(ms, stepMs = ms) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        await clock.advance(Math.min(stepMs, ms - passed))
        await sender.idle()
      }
    },
    async idle() {
      while (delivery.state().state === 'sending') await setImmediate()
    },
    async close() {
      await delivery.abort()
      await delivery.stop()
      await store.close()
    },
  }
  return sender
}

/** A line as the roll-up makes it: one event of a user for a day. */
export function eventLine(
  id: string,
  {
    user = id,
    day = '2026-11-23',
    eventName = 'dailyApiCalls',
  }: { user?: string; day?: string; eventName?: string } = {},
): OutboxLine {
  const date = Date.parse(`${day}T12:00:00Z`)
  const event = {
    eventName,
    identifyId: user,
    propertyKey: 'AP-TEST-2',
    userType: 'USER',
    date,
    attributes: { timestamp: date, apiCalls: 1, day, rollupId: id },
  }
  return { id, day, kind: 'event', rank: 'total', body: JSON.stringify(event), calls: 1 }
}
