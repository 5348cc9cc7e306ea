import { isFilterable, listEvents, reasonOf } from '@px-usage/core/adapter'
import { failedError } from '../exit-codes.ts'
import { eventsPath } from '../px/events-query.ts'
import type { PxConnection } from '../px/px-connection.ts'
import { IdTable } from './id-table.ts'

export interface EventsToRead {
  readonly names: readonly string[]
  readonly startMs: number
  readonly endMs: number
  readonly pageSize: number
  /** Aborts between two pages. */
  readonly signal: AbortSignal
  onEvent(event: object): void
  /** Called after each page. */
  onPage(): void
}

/**
 * Reads all events of some names in a range, one list for each name. A name that no filter can contain is selected from a list of all
 * events. It keeps 29 to 57 bytes for each event of a list, to see each event once even if a page repeats one.
 *
 * @throws {CommandError} if a list is incomplete, because a missing event would then prove nothing
 */
export async function readPxEvents(px: Pick<PxConnection, 'get'>, wanted: EventsToRead): Promise<void> {
  const { names } = wanted
  const others = new Set(names.filter((name) => !isFilterable(name)))
  for (const name of names) if (!others.has(name)) await readList(px, wanted, { name, select: () => true })
  if (others.size === 0) return
  const select = (event: object) => others.has((event as { eventName: string }).eventName)
  await readList(px, wanted, { name: undefined, select })
}

async function readList(
  px: Pick<PxConnection, 'get'>,
  { startMs, endMs, pageSize, signal, onEvent, onPage }: EventsToRead,
  { name, select }: { name: string | undefined; select(event: object): boolean },
): Promise<void> {
  const filters = name === undefined ? [[]] : [[`eventName==${name}`]]
  const listing = await listEvents(
    pageSize,
    (scrollId) => px.get(eventsPath({ startMs, endMs, filters, pageSize, scrollId })),
    (events) => {
      for (const event of events) if (isNamed(event, name) && select(event)) onEvent(event)
      onPage()
      return !signal.aborted
    },
    new IdTable(),
  )
  if (signal.aborted) throw failedError('The audit was interrupted.')
  if (listing.outcome !== 'unclean') return
  const { reason, response, isTooLong } = listing
  const why = response === undefined ? `${reason}.` : reasonOf(response)
  const cure = isTooLong === true ? ' Try a smaller --page-size.' : ''
  throw failedError(`The list of ${name ?? 'events'} could not be read to its end: ${why}${cure}`)
}

/** Filters of PX ignore case, so a list may have events of a similar name. */
function isNamed(event: object, name: string | undefined): boolean {
  return name === undefined || (event as { eventName?: unknown }).eventName === name
}
