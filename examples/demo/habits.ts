/** A request that users repeat. */
export interface Habit {
  app: 'express' | 'koa'
  method: string
  path: (user: number) => string
  /** The template of the route; absent for a path without a route. */
  route?: string
  statusCode: number
  /** Share of all requests, in percent. */
  share: number
  /** The client aborts the request after this time. */
  abortAfterMs?: number
}

interface User {
  userId: string
  accountId: string
  number: number
}

export interface DemoCall {
  user: User
  habit: Habit
}

const habits: readonly Habit[] = [
  {
    ...{ app: 'express', method: 'GET', path: () => '/v1/orders', route: '/v1/orders' },
    ...{ statusCode: 200, share: 36 },
  },
  {
    ...{ app: 'express', method: 'GET', path: (user) => `/v1/orders/${user * 31}`, route: '/v1/orders/:id' },
    ...{ statusCode: 200, share: 24 },
  },
  {
    ...{ app: 'koa', method: 'GET', path: () => '/v2/invoices', route: '/v2/invoices' },
    ...{ statusCode: 200, share: 14 },
  },
  {
    ...{ app: 'koa', method: 'GET', path: (user) => `/v2/invoices/${user}`, route: '/v2/invoices/:id' },
    ...{ statusCode: 200, share: 10 },
  },
  {
    ...{ app: 'express', method: 'POST', path: () => '/v1/orders', route: '/v1/orders' },
    ...{ statusCode: 201, share: 7 },
  },
  {
    ...{ app: 'express', method: 'GET', path: () => '/v1/reports/2026', route: '/v1/reports/:year' },
    ...{ statusCode: 200, share: 4, abortAfterMs: 50 },
  },
  {
    ...{ app: 'express', method: 'GET', path: () => '/v1/broken', route: '/v1/broken' },
    ...{ statusCode: 500, share: 3 },
  },
  {
    ...{ app: 'koa', method: 'DELETE', path: (user) => `/v2/invoices/${user}`, route: '/v2/invoices/:id' },
    ...{ statusCode: 403, share: 1 },
  },
  {
    ...{ app: 'express', method: 'GET', path: (user) => `/wp-login-${user}.php` },
    ...{ statusCode: 404, share: 1 },
  },
]

/** Calls of an account on a working day, out of about 100 of all accounts, on a day counted from the first one. */
const accounts: readonly { id: string; users: number; callsOn: (day: number) => number }[] = [
  { id: 'acme', users: 4, callsOn: (day) => 36 + 4 * Math.sin(day * 1.3) },
  { id: 'globex', users: 2, callsOn: (day) => Math.min(45, 7 + 0.9 * day) },
  { id: 'initech', users: 2, callsOn: (day) => Math.max(3, 27 - 0.8 * day) },
  { id: 'umbrella', users: 1, callsOn: (day) => 15 + 3 * Math.sin(day * 2.1) },
  { id: 'hooli', users: 1, callsOn: (day) => 8 + 2 * Math.sin(day * 0.9) },
]

const users = accounts.flatMap(({ id, users, callsOn }) =>
  Array.from({ length: users }, (_, at) => ({
    userId: `${id}-${at + 1}`,
    accountId: id,
    callsOn: (day: number) => callsOn(day) * (2 / (at + 2)),
  })),
)

/**
 * Returns the calls of one day, in the same order at every start: quiet weekends, one growing account and one fading account.
 *
 * @param day counted from the first day of the demo
 * @param weekday 0 for Sunday
 * @param about the number of calls on a working day
 */
export function callsOfDay(day: number, weekday: number, about: number): DemoCall[] {
  const isWeekend = weekday === 0 || weekday === 6
  const size = (about / 100) * (isWeekend ? 0.3 : 1)
  const ofAccounts = accounts.reduce((sum, { callsOn }) => sum + callsOn(day), 0)
  const count = Math.round(ofAccounts * size)
  return Array.from({ length: count }, (_, at) => {
    // Multiples of an irrational number spread evenly, so that small days have the shares of large ones.
    const number = pick(users, fraction(at * 0.618_033_99 + day * 0.37), ({ callsOn }) => callsOn(day))
    const habit = habits[
      pick(habits, fraction(at * 0.754_877_67 + day * 0.11), ({ share }) => share)
    ] as Habit
    const { userId, accountId } = users[number] as (typeof users)[number]
    return { user: { userId, accountId, number }, habit }
  })
}

function fraction(value: number): number {
  return value - Math.floor(value)
}

/** Returns the place of the item in which a share of all weights, from 0 to 1, falls. */
function pick<T>(items: readonly T[], share: number, weightOf: (item: T) => number): number {
  let left = share * items.reduce((sum, item) => sum + weightOf(item), 0)
  const place = items.findIndex((item) => {
    left -= weightOf(item)
    return left < 0
  })
  return place === -1 ? items.length - 1 : place
}
