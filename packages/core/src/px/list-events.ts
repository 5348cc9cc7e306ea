import type { PxAnswer } from './delivery-result.ts'

/** One page of `GET /v1/events/custom`. */
interface Page {
  customEvents: object[]
  totalHits: number
  scrollId: string | undefined
}

export type Listing =
  /** Every event that PX has of what was asked for. */
  | { readonly outcome: 'complete' }
  /** `onEvents` did not want more. */
  | { readonly outcome: 'enough' }
  /** What was read may not be all: nothing can be said to be absent. */
  | {
      readonly outcome: 'unclean'
      readonly reason: string
      readonly answer?: PxAnswer
      readonly isTooLong?: boolean
    }

/**
 * Reads a list of PX to its end, page after page.
 *
 * The end is a page that is not full once as many different events were seen as PX says there are: the last page may carry a
 * `scrollId` like any other (px-apidocs.gainsight.com). Anything else that ends it makes it unclean: an error, a page that cannot be
 * read, one that brings nothing new, events without an id, more events than there are said to be.
 *
 * @param read asks for a page, from the start without a `scrollId`
 * @param onEvents takes the events of a page, and how many there are in all; answers whether to go on
 */
export async function listEvents(
  pageSize: number,
  read: (scrollId: string | undefined) => Promise<PxAnswer>,
  onEvents: (events: readonly object[], totalHits: number) => boolean,
): Promise<Listing> {
  const seen = new Set<unknown>()
  let hasIds = true
  let scrollId: string | undefined
  for (;;) {
    const answer = await read(scrollId)
    if (!answer.answered || answer.status !== 200) {
      return { outcome: 'unclean', reason: 'PX answered no list', answer }
    }
    if (answer.fault !== undefined) {
      return { outcome: 'unclean', reason: `PX returned a list that ${answer.fault}` }
    }
    if (!answer.isComplete) {
      return { outcome: 'unclean', reason: 'the answer of PX is too long or broke off', isTooLong: true }
    }
    const page = parsePage(answer.body)
    if (page === undefined) return { outcome: 'unclean', reason: 'the answer of PX is not a list of events' }
    const { customEvents, totalHits } = page
    const seenBefore = seen.size
    for (const event of customEvents) {
      const { eventId } = event as { eventId?: unknown }
      hasIds &&= typeof eventId === 'string' || typeof eventId === 'number'
      seen.add(eventId ?? event)
    }
    if (!onEvents(customEvents, totalHits)) return { outcome: 'enough' }
    if (customEvents.length < pageSize && seen.size >= totalHits) return judged(seen.size, totalHits, hasIds)
    if (seen.size === seenBefore) {
      return { outcome: 'unclean', reason: `PX showed ${seen.size} of ${totalHits} events and no more` }
    }
    if (page.scrollId === undefined)
      return { outcome: 'unclean', reason: 'PX showed no way to the next page' }
    scrollId = page.scrollId
  }
}

/** A list is believed when two things that PX says of it agree: the ids of its events and their number. */
function judged(seen: number, totalHits: number, hasIds: boolean): Listing {
  // Without ids an event that is shown twice in place of another cannot be told from two.
  if (!hasIds) return { outcome: 'unclean', reason: 'PX returned events without an eventId' }
  if (seen === totalHits) return { outcome: 'complete' }
  return { outcome: 'unclean', reason: `PX returned ${seen} events and says that there are ${totalHits}` }
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
