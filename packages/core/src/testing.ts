import { attributesOf, type DeliveredAttributes } from './attributes/px-attributes.ts'
import { type Clock, eventLoopTurn } from './clock.ts'
import type { SendLine } from './delivery/send-batch.ts'
import type { PxEvent } from './px/px-event.ts'

/** A clock that moves only when a test moves it. */
export interface FakeClock extends Clock {
  /**
   * Moves time forward and runs the timers that become due, each at its own time. Between two of them the event loop turns, so that
   * the promises and immediates of one have finished before the next one runs.
   */
  advance(ms: number): Promise<void>
  /** Steps the wall clock without passing time: `elapsed()` stays the same, and no timer runs. */
  step(ms: number): void
}

interface Timer {
  dueAt: number
  task: () => void
}

/**
 * Creates a clock for tests: `createMeter({ clock: fakeClock('2026-11-23T10:00:00Z'), ... })`.
 *
 * @param start the first wall-clock time, as epoch ms, a Date, or a text that `Date` can parse
 * @throws {TypeError} for a text that `Date` cannot parse
 */
export function fakeClock(start: number | string | Date): FakeClock {
  const startMs = new Date(start).getTime()
  if (Number.isNaN(startMs))
    throw new TypeError(
      `fakeClock(${JSON.stringify(start)}): Date cannot parse this. Give a time such as '2026-11-23T10:00:00Z'.`,
    )
  const timers = new Set<Timer>()
  let wallOffset = startMs
  let elapsed = 0

  function earliest(untilElapsed: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of timers) {
      if (timer.dueAt <= untilElapsed && (first === undefined || timer.dueAt < first.dueAt)) first = timer
    }
    return first
  }

  return {
    now: () => wallOffset + elapsed,
    elapsed: () => elapsed,
    setTimer(task, delayMs) {
      const timer = { dueAt: elapsed + Math.max(0, delayMs), task }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    step(ms) {
      wallOffset += ms
    },
    async advance(ms) {
      const until = elapsed + ms
      await turn()
      for (let timer = earliest(until); timer !== undefined; timer = earliest(until)) {
        timers.delete(timer)
        elapsed = Math.max(elapsed, timer.dueAt)
        timer.task()
        await turn()
      }
      elapsed = until
      await turn()
    },
  }
}

/** Waits long enough for a chain of promises and immediates, but not for the network. */
async function turn(): Promise<void> {
  for (let i = 0; i < 4; i++) await eventLoopTurn()
}

// The types that these functions use
export type { ClaimedLine, OutboxLine, WaitingLine } from './model/outbox-line.ts'
export type { UsageDay } from './model/series.ts'
export type { DeliveryResult } from './px/delivery-result.ts'
export type { Clock, DeliveredAttributes, PxEvent, SendLine }

/** A replacement of PX for tests. `createMeter({ delivery: px.delivery, ... })` needs no keys, and `px.events` has what was sent. */
export interface InMemoryDelivery {
  readonly delivery: SendLine
  /** The bodies of the events delivered so far, in the order of delivery. */
  readonly events: PxEvent[]
  /** The attributes of users and accounts that were set, in the order of delivery. */
  readonly attributes: DeliveredAttributes[]
}

/** Creates a delivery that keeps events and attributes in memory. */
export function inMemoryDelivery(): InMemoryDelivery {
  const events: PxEvent[] = []
  const attributes: DeliveredAttributes[] = []
  return {
    events,
    attributes,
    async delivery(line) {
      if (line.kind === 'event') events.push(JSON.parse(line.body) as PxEvent)
      else attributes.push(attributesOf(line))
      return { outcome: 'delivered' }
    },
  }
}
