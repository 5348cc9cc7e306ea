import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createMeter, type Meter, type UsageError } from '@px-usage/core'
import { type FakeClock, fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { redisStore } from '@px-usage/redis'
import type { ConnectedClient } from './redis-clients.ts'

/** Meters that share one Redis, one clock and one PX, a quarter of an hour before the end of a day. */
export interface FleetOfMeters {
  readonly prefix: string
  readonly clock: FakeClock
  readonly errors: UsageError[]
  /** Starts a meter that uses the client. */
  start(client: Pick<ConnectedClient, 'sendCommand'>): Meter
  /** Counts calls of one user, and what the truth is. */
  count(meter: Meter, calls: number, userId?: string): void
  /** The longest time that the app had to wait for `count()`, however many calls it counted. */
  longestCountMs(): number
  /** Lets time pass until it is so: `stepMs` at once, with time for Redis to reply. */
  until(isSo: () => boolean | Promise<boolean>, stepMs?: number): Promise<void>
  /** Lets time pass until Redis has the counts of all meters. */
  stored(): Promise<void>
  /** Lets the day end, and returns the calls of each user that PX received, with the number of events. */
  dayInPx(): Promise<Record<string, { calls: number; events: number }>>
  /** What `dayInPx` must be. */
  truth(): Record<string, { calls: number; events: number }>
  close(): Promise<void>
}

const call = { method: 'GET', route: '/', statusCode: 200, aborted: false }

export function fleetOfMeters({ shards = 1 }: { shards?: number } = {}): FleetOfMeters {
  const prefix = `test:${randomUUID()}`
  const clock = fakeClock('2026-11-23T23:30:00Z')
  const px = inMemoryDelivery()
  const meters: Meter[] = []
  const counted = new Map<string, number>()
  const errors: UsageError[] = []
  let longestCountMs = 0

  const totals = () => px.events.filter(({ eventName }) => eventName === 'dailyApiCalls')
  const open = () => meters.filter((meter) => meter.stats().calls.afterClose === 0)

  const fleet: FleetOfMeters = {
    prefix,
    clock,
    errors,
    start({ sendCommand }) {
      const meter = createMeter({
        store: redisStore({ sendCommand: (args, key) => sendCommand(args, key), keyPrefix: prefix, shards }),
        clock,
        delivery: px.delivery,
        startJitterMs: 0,
        onError: (error) => void errors.push(error),
      })
      meters.push(meter)
      return meter
    },
    count(meter, calls, userId = 'ann') {
      const startMs = performance.now()
      for (let n = 0; n < calls; n++) meter.record({ ...call, identity: { userId } })
      longestCountMs = Math.max(longestCountMs, performance.now() - startMs)
      counted.set(userId, (counted.get(userId) ?? 0) + calls)
    },
    longestCountMs: () => longestCountMs,
    async until(isSo, stepMs = 1_000) {
      for (let step = 0; step < 1_000; step++) {
        if (await isSo()) return
        await clock.advance(stepMs)
        await sleep(10)
      }
      throw new Error(`It did not become so: ${errors.at(-1)?.message}`)
    },
    stored: () => fleet.until(() => open().every((meter) => meter.stats().calls.inMemory === 0)),
    async dayInPx() {
      await fleet.stored()
      await fleet.until(() => totals().length >= counted.size, 30_000)
      // Long enough for a revision, which would be one event too many.
      for (let step = 0; step < 30; step++) {
        await clock.advance(60_000)
        await sleep(10)
      }
      const users: Record<string, { calls: number; events: number }> = {}
      for (const { identifyId = '', attributes } of totals()) {
        const before = users[identifyId] ?? { calls: 0, events: 0 }
        users[identifyId] = { calls: before.calls + Number(attributes.apiCalls), events: before.events + 1 }
      }
      return users
    },
    truth: () => Object.fromEntries([...counted].map(([user, calls]) => [user, { calls, events: 1 }])),
    async close() {
      await Promise.all(meters.map((meter) => meter.close({ timeoutMs: 2_000 }).catch(() => {})))
    },
  }
  return fleet
}
