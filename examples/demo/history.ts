import { createMeter, memoryStore } from '@px-usage/core'
import { fakeClock, inMemoryDelivery, type PxEvent } from '@px-usage/core/testing'
import type { Emulator } from 'px-emulator'
import { callsOfDay } from './habits.ts'
import { dayMs } from './short-days.ts'

const parallelRequests = 8

/**
 * Fills the emulator with the events of past days. The engine itself counts the calls and makes the events, with a clock that this
 * function moves from day to day.
 *
 * @param firstMs midnight in UTC of the first day
 */
export async function sendHistory(
  emulator: Emulator,
  { firstMs, days, callsPerDay }: { firstMs: number; days: number; callsPerDay: number },
): Promise<void> {
  const clock = fakeClock(firstMs)
  const px = inMemoryDelivery()
  const meter = createMeter({
    productKey: emulator.productKey,
    delivery: px.delivery,
    store: memoryStore(),
    clock,
    onError: (error) => console.error(error.message),
  })
  for (let day = 0; day < days; day += 1) {
    for (const { user, habit } of callsOfDay(day, new Date(clock.now()).getUTCDay(), callsPerDay)) {
      const { method, route, statusCode, abortAfterMs } = habit
      meter.record({ identity: user, method, route, statusCode, aborted: abortAfterMs !== undefined })
    }
    await clock.advance(dayMs)
    await meter.flush()
  }
  await meter.close()
  const waiting = px.events.values()
  await Promise.all(Array.from({ length: parallelRequests }, () => sendAll(emulator, waiting)))
}

async function sendAll(emulator: Emulator, events: Iterator<PxEvent>): Promise<void> {
  for (let next = events.next(); !next.done; next = events.next()) {
    const response = await fetch(`${emulator.url}/v1/events/custom`, {
      method: 'POST',
      headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey, 'Content-Type': 'application/json' },
      body: JSON.stringify(next.value),
    })
    if (!response.ok) throw new Error(`The emulator refused an event: ${await response.text()}`)
    await response.arrayBuffer()
  }
}
