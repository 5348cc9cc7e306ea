import { isKeyRefused, type PxResponse, reasonOf, resultOf } from './delivery-result.ts'
import { type Listing, listEvents } from './list-events.ts'
import type { Permit } from './permit.ts'
import type { PxClient } from './px-client.ts'
import { type EventTrace, eventsPath, isFilterable, rollupIdOf, userIdOf } from './px-event.ts'

/** A line to look up. */
interface Sought {
  readonly id: string
  readonly trace: EventTrace
}

/** The result of a look-up. A line that is neither found nor absent stays unconfirmed, and `failure` says why. */
export interface LookUpResult {
  /** The lines that PX has, with the `eventId` of each of their events. */
  found: ReadonlyMap<string, ReadonlySet<unknown>>
  /** The lines that PX does not have. */
  absent: ReadonlySet<string>
  failure?: LookUpFailure | undefined
}

export interface LookUpFailure {
  /**
   * `denied`: PX refuses the key, or the key lacks the Read permission. `rateLimited`: PX returned 429, and `afterMs` is its wait.
   * `budgetSpent` and `closed`: px-usage may not send a request now.
   */
  kind: 'denied' | 'rateLimited' | 'unreachable' | 'budgetSpent' | 'closed' | 'failed'
  reason: string
  afterMs?: number | undefined
}

export type LookUp = (lines: readonly Sought[]) => Promise<LookUpResult>

const largestPage = 1_000
const smallestPage = 10
/** The largest page that is read, ten times the size of a page of px-usage's own events. */
const maxPageBytes = 16 * 1024 * 1024
/** Up to this many lines of one name and date are looked up one by one, if their user ids can be used in a filter. */
const fewLines = 3

/**
 * Creates the function that looks lines up with `GET /v1/events/custom`. It reads the whole list of a name and date if many lines
 * of them are unconfirmed, and otherwise the events of each user. Only its `rollupId` identifies a line. A line is absent only if
 * the list was read to its end.
 *
 * @param acquire called before each request, because look-ups share the rate limit and the budget with deliveries
 */
export function createLookUp({
  client,
  acquire,
  now,
}: {
  client: Pick<PxClient, 'request'>
  acquire(): Promise<Permit>
  now(): number
}): LookUp {
  /** The size of the next page. It shrinks when a page was too long to be read. */
  let pageSize = largestPage

  async function read(path: string, size: number, scrollId: string | undefined): Promise<PxResponse> {
    const permit = await acquire()
    if (permit !== 'granted') return { received: false, error: new NoPermit(permit), maybeSent: false }
    const scroll = scrollId === undefined ? '' : `&scrollId=${encodeURIComponent(scrollId)}`
    return client.request({
      method: 'GET',
      path: `${path}&pageSize=${size}${scroll}`,
      maxBodyBytes: maxPageBytes,
    })
  }

  async function list(
    path: string,
    { found, unreadable }: Shown,
    wanted: ReadonlySet<string>,
    shouldContinue: (totalHits: number) => boolean,
  ): Promise<Listing> {
    const size = pageSize
    const listing = await listEvents(
      size,
      (scrollId) => read(path, size, scrollId),
      (events, totalHits) => {
        for (const event of events) {
          const id = rollupIdOf(event)
          if (id === undefined) unreadable.add(userIdOf(event))
          if (id === undefined || !wanted.has(id)) continue
          const copies = found.get(id) ?? new Set()
          found.set(id, copies.add((event as { eventId?: unknown }).eventId ?? event))
        }
        return shouldContinue(totalHits)
      },
    )
    if (listing.outcome === 'unclean' && listing.isTooLong) {
      pageSize = Math.max(smallestPage, Math.floor(size / 4))
    }
    return listing
  }

  /** Looks up lines of one name and date. */
  async function lookUpGroup(
    lines: readonly Sought[],
    found: Map<string, Set<unknown>>,
    absent: Set<string>,
  ): Promise<LookUpFailure | undefined> {
    const { eventName, date } = (lines[0] as Sought).trace
    const ids = new Set(lines.map(({ id }) => id))
    const shown: Shown = { found, unreadable: new Set() }
    let unreadable: LookUpFailure | undefined

    /** Marks a line that was not found as absent, unless PX has an event of the same user whose `rollupId` cannot be read. */
    function conclude({ id, trace }: Sought): void {
      if (found.has(id)) return
      const mayBeThere = [...shown.unreadable].some(
        (user) => user === trace.userId || typeof user !== 'string',
      )
      if (!mayBeThere) absent.add(id)
      else unreadable ??= { kind: 'failed', reason: unreadableReason }
    }

    const isEachFilterable = lines.every(({ trace }) => isFilterable(trace.userId))
    if (!isEachFilterable || lines.length > fewLines) {
      // A list with many events of other lines takes more requests than one look-up for each line.
      const isWorthIt = (totalHits: number) => !isEachFilterable || totalHits / pageSize <= lines.length
      const listing = await list(eventsPath({ eventName, date }), shown, ids, isWorthIt)
      if (listing.outcome === 'unclean') return failureOf(listing, now())
      if (listing.outcome === 'complete') {
        lines.forEach(conclude)
        return unreadable
      }
    }
    for (const line of lines) {
      // A line that was found is looked up too: another copy of it may be on a page that was not read.
      const listing = await list(eventsPath(line.trace), shown, ids, () => true)
      if (listing.outcome === 'unclean') return failureOf(listing, now())
      conclude(line)
    }
    return unreadable
  }

  return async (lines) => {
    const found = new Map<string, Set<unknown>>()
    const absent = new Set<string>()
    const groups = new Map<string, Sought[]>()
    for (const line of lines) {
      const key = JSON.stringify([line.trace.eventName, line.trace.date])
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [line])
      else group.push(line)
    }
    let unreadable: LookUpFailure | undefined
    for (const group of groups.values()) {
      const failure = await lookUpGroup(group, found, absent)
      if (failure !== undefined && failure.reason !== unreadableReason) return { found, absent, failure }
      // An unreadable event concerns the lines of its group only, so the next group is looked up all the same.
      unreadable ??= failure
    }
    return { found, absent, failure: unreadable }
  }
}

/** What the lists have contained so far. */
interface Shown {
  readonly found: Map<string, Set<unknown>>
  /** Users of events of the same name and date whose `rollupId` cannot be read. */
  readonly unreadable: Set<unknown>
}

const unreadableReason = 'PX has an event of the same name, user and date whose rollupId cannot be read.'

class NoPermit extends Error {
  readonly kind: 'budgetSpent' | 'closed'

  constructor(kind: 'budgetSpent' | 'closed') {
    super('no request may be made now')
    this.kind = kind
  }
}

function failureOf(listing: Extract<Listing, { outcome: 'unclean' }>, nowMs: number): LookUpFailure {
  const { response } = listing
  if (response === undefined) return { kind: 'failed', reason: `${listing.reason}.` }
  const reason = reasonOf(response)
  if (!response.received) {
    if (response.error instanceof NoPermit) return { kind: response.error.kind, reason }
    return { kind: 'unreachable', reason }
  }
  if (isKeyRefused(response.status)) return { kind: 'denied', reason }
  const result = resultOf(response, nowMs)
  if (result.outcome === 'retryable') return { kind: 'rateLimited', reason, afterMs: result.afterMs }
  return { kind: 'failed', reason }
}
