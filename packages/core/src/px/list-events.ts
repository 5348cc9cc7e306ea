import type { PxResponse } from './delivery-result.ts'

/** One page of `GET /v1/events/custom`. */
interface Page {
  customEvents: object[]
  totalHits: number
  scrollId: string | undefined
}

/** How the reading of a list ended. */
export type Listing =
  /** Every event that matches the request was read. */
  | { readonly outcome: 'complete' }
  /** `onEvents` returned `false`. */
  | { readonly outcome: 'enough' }
  /** The list may be incomplete, so a missing event proves nothing. */
  | {
      readonly outcome: 'unclean'
      readonly reason: string
      readonly response?: PxResponse
      readonly isTooLong?: boolean
    }

/** The ids of the events of a list. A `Set`, or something that takes less memory. */
export interface SeenEvents {
  add(id: unknown): unknown
  readonly size: number
}

/**
 * Reads a list of events from PX, page by page, to its end.
 *
 * A list is complete when a page is not full and the number of different events equals the total that PX reports. The `scrollId`
 * does not mark the end: the last page may have one like any other (px-apidocs.gainsight.com). The list is unclean after an error,
 * an unreadable page, a page without new events, events without an id, or more events than PX reports.
 *
 * @param read requests a page; the first one has no `scrollId`
 * @param onEvents receives the events of a page that no earlier page had, and the total that PX reports; returns whether to read the
 *   next page
 */
export async function listEvents(
  pageSize: number,
  read: (scrollId: string | undefined) => Promise<PxResponse>,
  onEvents: (events: readonly object[], totalHits: number) => boolean,
  seen: SeenEvents = new Set(),
): Promise<Listing> {
  let hasIds = true
  let scrollId: string | undefined
  for (;;) {
    const response = await read(scrollId)
    if (!response.received || response.status !== 200) {
      return { outcome: 'unclean', reason: 'PX returned no list', response }
    }
    if (response.fault !== undefined) {
      return { outcome: 'unclean', reason: `PX returned a list that ${response.fault}` }
    }
    if (!response.isComplete) {
      return { outcome: 'unclean', reason: 'the response of PX is too long or incomplete', isTooLong: true }
    }
    const page = parsePage(response.body)
    if (page === undefined)
      return { outcome: 'unclean', reason: 'the response of PX is not a list of events' }
    const { customEvents, totalHits } = page
    const seenBefore = seen.size
    const fresh = customEvents.filter((event) => {
      const { eventId } = event as { eventId?: unknown }
      hasIds &&= typeof eventId === 'string' || typeof eventId === 'number'
      const before = seen.size
      seen.add(eventId ?? event)
      return seen.size > before
    })
    if (!onEvents(fresh, totalHits)) return { outcome: 'enough' }
    if (customEvents.length < pageSize && seen.size >= totalHits) return judged(seen.size, totalHits, hasIds)
    if (seen.size === seenBefore) {
      return { outcome: 'unclean', reason: `PX returned ${seen.size} of ${totalHits} events and no more` }
    }
    if (page.scrollId === undefined)
      return { outcome: 'unclean', reason: 'PX returned no scrollId for the next page' }
    scrollId = page.scrollId
  }
}

/** Returns whether a list is complete: the number of different ids must equal the total that PX reports. */
function judged(seen: number, totalHits: number, hasIds: boolean): Listing {
  // Without ids, an event that is listed twice in place of another one would look like two events.
  if (!hasIds) return { outcome: 'unclean', reason: 'PX returned events without an eventId' }
  if (seen === totalHits) return { outcome: 'complete' }
  return { outcome: 'unclean', reason: `PX returned ${seen} events but reports a total of ${totalHits}` }
}

function parsePage(body: string): Page | undefined {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return undefined
  }
  const { customEvents, totalHits, scrollId } = (value ?? {}) as Record<string, unknown>
  const isPage =
    Array.isArray(customEvents) &&
    customEvents.every((event) => typeof event === 'object' && event !== null) &&
    typeof totalHits === 'number' &&
    totalHits >= 0
  if (!isPage) return undefined
  return {
    customEvents,
    totalHits,
    scrollId: typeof scrollId === 'string' && scrollId !== '' ? scrollId : undefined,
  }
}
