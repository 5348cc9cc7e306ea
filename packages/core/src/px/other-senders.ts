import { sortedEntries } from '../model/sorted-entries.ts'
import { listEvents } from './list-events.ts'
import type { Permit } from './permit.ts'
import type { PxClient } from './px-client.ts'
import { isFilterable, listPath, rollupIdOf, userIdOf } from './px-event.ts'

/** How far back events are read: 604800000 ms (7 days). */
const readMs = 604_800_000
const pageSize = 1_000
const maxPageBytes = 16 * 1024 * 1024
/** A restored backup, or a deploy at midnight with a new folder, may give one day two different events. */
const fewestDays = 2

/**
 * Returns the days of the last week for which PX has events of another store than this one, oldest first.
 *
 * The `rollupId` of an event is a digest of its product, day, user and everything else but the counts. One store sends it once, or
 * again with the same body. So two events with the same `rollupId` and different counts come from two stores.
 *
 * It reads the newest events, and then those of one user if there are more than one page of them. It returns no days without the
 * Read permission, if PX fails, or if there is only one such day.
 *
 * @param acquire called before each of the requests, of which there are two at most
 */
export async function daysOfOtherSenders(
  eventName: string,
  settings: { client: Pick<PxClient, 'request'>; acquire(): Promise<Permit>; nowMs: number },
): Promise<string[]> {
  const { client, acquire, nowMs } = settings
  const contents = new Map<string, Set<string>>()
  const days = new Set<string>()

  async function read(userId?: string): Promise<readonly object[]> {
    if ((await acquire()) !== 'granted') return []
    const ofUser = userId === undefined ? {} : { userId }
    const path = listPath({ eventName, startMs: nowMs - readMs, endMs: nowMs, ...ofUser })
    let events: readonly object[] = []
    await listEvents(
      pageSize,
      () =>
        client.request({
          method: 'GET',
          path: `${path}&sort=-date&pageSize=${pageSize}`,
          maxBodyBytes: maxPageBytes,
        }),
      (page) => {
        events = page
        return false
      },
    )
    for (const event of events) note(event)
    return events
  }

  function note(event: object): void {
    const id = rollupIdOf(event)
    if (id === undefined) return
    const { attributes } = event as { attributes: Record<string, string | number | boolean> }
    const known = contents.get(id) ?? new Set()
    contents.set(id, known.add(JSON.stringify(sortedEntries(attributes))))
    if (known.size > 1) days.add(String(attributes.day))
  }

  const newest = await read()
  if (newest.length === pageSize && days.size < fewestDays) {
    const user = newest.map(userIdOf).find((id) => typeof id === 'string' && isFilterable(id))
    if (user !== undefined) await read(user as string)
  }
  return days.size < fewestDays ? [] : [...days].sort()
}
