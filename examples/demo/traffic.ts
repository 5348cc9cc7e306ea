import { request } from 'node:http'
import type { Clock } from '@px-usage/core'
import { callsOfDay, type DemoCall, type Habit } from './habits.ts'
import { dayMs } from './short-days.ts'

const tickMs = 20

/**
 * Sends the calls of each day as real requests, spread over the day, including errors, aborts and unknown paths.
 *
 * @param firstMs midnight in UTC of the first day of the demo, which may lie before the start of the clock
 * @returns a function that stops the traffic
 */
export function startTraffic(
  urls: Readonly<Record<Habit['app'], string>>,
  { clock, firstMs, callsPerDay }: { clock: Clock; firstMs: number; callsPerDay: number },
): () => void {
  let today = -1
  let calls: DemoCall[] = []
  let sent = 0
  const timer = setInterval(() => {
    const day = Math.floor((clock.now() - firstMs) / dayMs)
    if (day !== today) {
      today = day
      calls = callsOfDay(day, new Date(clock.now()).getUTCDay(), callsPerDay)
      sent = 0
    }
    const due = Math.floor((((clock.now() - firstMs) % dayMs) / dayMs) * calls.length)
    for (; sent < due; sent += 1) send(urls, calls[sent] as DemoCall)
  }, tickMs)
  return () => clearInterval(timer)
}

function send(urls: Readonly<Record<Habit['app'], string>>, { user, habit }: DemoCall): void {
  const { app, method, path, abortAfterMs } = habit
  const req = request(`${urls[app]}${path(user.number)}`, {
    method,
    headers: { 'x-user': user.userId, 'x-account': user.accountId },
  })
  req.on('response', (res) => res.resume())
  // An aborted request ends with an error, and so do the last ones when the demo stops.
  req.on('error', () => {})
  req.end()
  if (abortAfterMs !== undefined) setTimeout(() => req.destroy(), abortAfterMs)
}
