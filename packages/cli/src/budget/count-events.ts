import { isFilterable, reasonOf, type UsageDays } from '@px-usage/core/adapter'
import { objectIn } from '../doctor/key-check.ts'
import { failedError, usageError } from '../exit-codes.ts'
import { eventsPath } from '../px/events-query.ts'
import type { PxConnection } from '../px/px-connection.ts'

/**
 * Returns how many events of a name PX has of each day. It takes one request for each day, because PX returns the total with each page.
 *
 * @throws {CommandError} if PX returns no list
 */
export async function countEvents(
  px: Pick<PxConnection, 'get'>,
  {
    eventName,
    dayList,
    days,
    signal,
    onDay,
  }: {
    eventName: string
    dayList: readonly string[]
    days: UsageDays
    signal: AbortSignal
    onDay(): void
  },
): Promise<number[]> {
  if (!isFilterable(eventName))
    throw usageError(`--event ${eventName}: no filter of PX can contain this name.`)
  const counts: number[] = []
  for (const day of dayList) {
    if (signal.aborted) throw failedError('The command was interrupted.')
    const { startMs, endMs } = days.bounds(day)
    const filters = [[`eventName==${eventName}`]]
    const response = await px.get(eventsPath({ startMs, endMs: endMs - 1, filters, pageSize: 1 }))
    const total =
      response.received && response.status === 200 ? objectIn(response.body)?.totalHits : undefined
    if (typeof total !== 'number') {
      const isList = response.received && response.status === 200
      throw failedError(isList ? 'The response of PX is not a list of events.' : reasonOf(response))
    }
    counts.push(total)
    onDay()
  }
  return counts
}
