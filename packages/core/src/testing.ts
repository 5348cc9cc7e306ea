import { attributesOf, type DeliveredAttributes } from './attributes/px-attributes.ts'
import { type Clock, eventLoopTurn } from './clock.ts'
import type { SendLine } from './delivery/send-batch.ts'
import type { PxEvent } from './px/px-event.ts'

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /**
   * Moves time forward and runs what falls due on the way, each task at its own time. Between two tasks the event
   * loop turns, so that promises and immediates of a task are through before the next one runs.
   */
  advance(ms: number): Promise<void>
  /** Steps the wall clock without letting time pass: `elapsed()` stays, no timer runs. */
  step(ms: number): void
}

interface Timer {
  dueAt: number
  task: () => void
}

/**
 * A clock for tests: `createMeter({ clock: fakeClock('2026-11-23T10:00:00Z'), ... })`.
 *
 * @param start the wall-clock time to begin with: epoch ms, a Date, or a text that `Date` reads
 */
export function fakeClock(start: number | string | Date): FakeClock {
  const startMs = new Date(start).getTime()
  if (Number.isNaN(startMs))
    throw new TypeError(`fakeClock(${JSON.stringify(start)}): not a time that Date can read.`)
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

/** Long enough for a chain of promises and immediates, not for the network. */
async function turn(): Promise<void> {
  for (let i = 0; i < 4; i++) await eventLoopTurn()
}

// The types that these functions use
export type { ClaimedLine, OutboxLine, WaitingLine } from './model/outbox-line.ts'
export type { UsageDay } from './model/series.ts'
export type { DeliveryResult } from './px/delivery-result.ts'
export type { Clock, DeliveredAttributes, PxEvent, SendLine }

/** Takes the place of PX: `createMeter({ delivery: px.delivery, ... })` needs no keys then, and `px.events` has what was sent. */
export interface InMemoryDelivery {
  readonly delivery: SendLine
  /** The bodies of the events delivered so far, in the order of delivery. */
  readonly events: PxEvent[]
  /** What attributes of users and accounts were set, in the order of delivery. */
  readonly attributes: DeliveredAttributes[]
}

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
