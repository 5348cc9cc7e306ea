import { isFilterable, listEvents, reasonOf, rollupIdOf, userIdOf } from '@px-usage/core/adapter'
import { eventsPath } from '../px/events-query.ts'
import type { PxConnection } from '../px/px-connection.ts'
import { type Check, failure, ok, unknown, warning } from './check.ts'

export const senderName = 'senders'

const days = 4
const pageSize = 1_000
/** Pages that are read at most. More would not make the result more certain. */
const maxPages = 5

/**
 * Finds out by the events of the last days whether several stores send for one product. Two hosts with a folder each send an event
 * each for a user who called both, with the same `rollupId` and different numbers. PX's Average is then wrong.
 */
export async function checkSenders(
  px: Pick<PxConnection, 'get'>,
  { eventName, productKey, nowMs }: { eventName: string; productKey: string | undefined; nowMs: number },
): Promise<Check> {
  if (!isFilterable(eventName))
    return unknown(senderName, `the event name ${eventName} cannot be used in a filter`)
  const range = { startMs: nowMs - days * 86_400_000, endMs: nowMs + 86_400_000 }
  const first = new Map<string, string>()
  const zones = new Set<string>()
  const different = new Set<unknown>()
  const same = new Set<unknown>()
  let pages = 0
  const listing = await listEvents(
    pageSize,
    (scrollId) =>
      px.get(eventsPath({ ...range, filters: [[`eventName==${eventName}`]], pageSize, scrollId })),
    (events) => {
      for (const event of events) see(event)
      pages += 1
      return pages < maxPages
    },
  )

  function see(event: object): void {
    const id = rollupIdOf(event)
    const { propertyKey, attributes } = event as Record<string, unknown>
    // An event of another product of the subscription has a sender of its own.
    if (id === undefined || (productKey !== undefined && propertyKey !== productKey)) return
    const { timeZone } = attributes as { timeZone?: unknown }
    if (typeof timeZone === 'string') zones.add(timeZone)
    const numbers = numbersOf(attributes as object)
    const known = first.get(id)
    if (known === undefined) first.set(id, numbers)
    else (known === numbers ? same : different).add(userIdOf(event))
  }

  if (listing.outcome === 'unclean') {
    const { reason, response } = listing
    return unknown(senderName, (response === undefined ? reason : reasonOf(response)).replace(/\.$/, ''))
  }
  if (first.size === 0)
    return unknown(senderName, `PX has no ${eventName} of the last ${days} days from px-usage`)
  if (different.size > 0) {
    return failure(
      senderName,
      `${usersOf(different.size)} with two different events for one day: several stores send for this product, or a folder was lost within a day.`,
      'Let processes of one host share a folder, and hosts share a Redis (redisStore of @px-usage/redis).',
    )
  }
  if (same.size > 0) {
    return warning(
      senderName,
      `${usersOf(same.size)} with the same event twice.`,
      'Run `px-usage audit` on the last days. If it is the same users each day, look for a second sender.',
    )
  }
  if (zones.size > 1) {
    const list = [...zones].sort().join(' and ')
    return warning(
      senderName,
      `Events for this product have days of several zones: ${list}.`,
      'Give all services of the product the same timeZone (PX_TIME_ZONE).',
    )
  }
  const limit = listing.outcome === 'complete' ? '' : ' looked at'
  return ok(senderName, `Each of the ${first.size} events of the last ${days} days${limit} is there once.`)
}

function usersOf(count: number): string {
  return count === 1 ? 'PX has 1 user' : `PX has ${count} users`
}

/** The numbers of an event, in the order of their names. */
function numbersOf(attributes: object): string {
  const numbers = Object.entries(attributes).filter(([, value]) => typeof value === 'number')
  return JSON.stringify(numbers.sort(([a], [b]) => (a < b ? -1 : 1)))
}
