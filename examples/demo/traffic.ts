import { request } from 'node:http'

/** A request that users repeat. */
interface Habit {
  app: 'express' | 'koa'
  method: string
  path: (user: number) => string
  /** The client aborts the request after this time. */
  abortAfterMs?: number
}

const habits: readonly Habit[] = [
  { app: 'express', method: 'GET', path: () => '/v1/orders' },
  { app: 'express', method: 'GET', path: (user) => `/v1/orders/${user * 31}` },
  { app: 'express', method: 'POST', path: () => '/v1/orders' },
  { app: 'express', method: 'GET', path: () => '/v1/broken' },
  { app: 'express', method: 'GET', path: () => '/v1/reports/2026', abortAfterMs: 50 },
  { app: 'express', method: 'GET', path: (user) => `/wp-login-${user}.php` },
  { app: 'koa', method: 'GET', path: () => '/v2/invoices' },
  { app: 'koa', method: 'GET', path: (user) => `/v2/invoices/${user}` },
  { app: 'koa', method: 'DELETE', path: (user) => `/v2/invoices/${user}` },
]

const users = 20
const accounts = 5

/**
 * Sends real requests of 20 users in 5 accounts, including errors, aborts and unknown paths.
 *
 * @returns a function that stops the traffic
 */
export function startTraffic(urls: Readonly<Record<Habit['app'], string>>, perSecond: number): () => void {
  let sent = 0
  const timer = setInterval(() => {
    const user = sent % users
    const habit = habits[Math.floor(sent / users + user) % habits.length] as Habit
    sent += 1
    send(`${urls[habit.app]}${habit.path(user)}`, habit, user)
  }, 1_000 / perSecond)
  return () => clearInterval(timer)
}

function send(url: string, { method, abortAfterMs }: Habit, user: number): void {
  const req = request(url, {
    method,
    headers: { 'x-user': `user-${user + 1}`, 'x-account': `account-${(user % accounts) + 1}` },
  })
  req.on('response', (res) => res.resume())
  // An aborted request ends with an error, and so do the last ones when the demo stops.
  req.on('error', () => {})
  req.end()
  if (abortAfterMs !== undefined) setTimeout(() => req.destroy(), abortAfterMs)
}
