import { randomUUID } from 'node:crypto'
import { isFilterable, reasonOf, userIdOf } from '@px-usage/core/adapter'
import { eventsPath, readableDays } from '../px/events-query.ts'
import type { PxConnection } from '../px/px-connection.ts'
import { type Check, failure, ok, unknown } from './check.ts'
import { objectIn } from './key-check.ts'

export const filterName = 'filters of PX'

/**
 * Finds out by an event that PX has whether it applies filters, and whether it joins several `filter` parameters by AND or by OR.
 * Sources contradict each other. px-usage sends one parameter, so it is right under both.
 */
export async function checkFilters(px: Pick<PxConnection, 'get'>, nowMs: number): Promise<Check> {
  const range = { startMs: nowMs - readableDays * 86_400_000, endMs: nowMs }

  async function find(filters: readonly (readonly string[])[]) {
    const response = await px.get(eventsPath({ ...range, filters, pageSize: 1 }))
    const page = response.received && response.status === 200 ? objectIn(response.body) : undefined
    const { customEvents, totalHits } = page ?? {}
    if (!Array.isArray(customEvents) || typeof totalHits !== 'number') {
      const isList = response.received && response.status === 200
      throw new Unreadable(isList ? 'the response of PX is not a list of events' : reasonOf(response))
    }
    return { totalHits, first: customEvents[0] as object | undefined }
  }

  try {
    const { first } = await find([[]])
    if (first === undefined)
      return unknown(filterName, `PX has no custom event of the last ${readableDays} days to try them on`)
    const present = conditionOf(first)
    if (present === undefined)
      return unknown(filterName, 'the user id and the name of the newest event cannot be used in a filter')
    const absent = [`${present.field}==absent-${randomUUID()}`]
    const known = [`${present.field}==${present.value}`]
    if ((await find([absent])).totalHits > 0) {
      return failure(
        filterName,
        'PX returns events that do not match the filter, so px-usage cannot find its own events in PX.',
        'Ask the support of PX, and look for a proxy that removes the query.',
      )
    }
    if ((await find([known])).totalHits === 0) {
      return unknown(filterName, 'PX does not find an event that it has just listed')
    }
    const matches = [(await find([known, absent])).totalHits > 0, (await find([absent, known])).totalHits > 0]
    if (matches[0] !== matches[1]) {
      const which = matches[0] ? 'first' : 'last'
      return ok(filterName, `PX applies only the ${which} of several filter parameters. px-usage sends one.`)
    }
    return ok(
      filterName,
      `PX joins several filter parameters by ${matches[0] ? 'OR' : 'AND'}. px-usage sends one, and is right with both.`,
    )
  } catch (error) {
    if (error instanceof Unreadable) return unknown(filterName, error.message.replace(/\.$/, ''))
    throw error
  }
}

class Unreadable extends Error {}

function conditionOf(event: object): { field: string; value: string } | undefined {
  const { eventName } = event as { eventName?: unknown }
  const userId = userIdOf(event)
  if (typeof userId === 'string' && isFilterable(userId)) return { field: 'identifyId', value: userId }
  if (typeof eventName === 'string' && isFilterable(eventName))
    return { field: 'eventName', value: eventName }
  return undefined
}
