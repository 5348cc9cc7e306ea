import { isKeyRefused, type PxAnswer, reasonOf, resultOf } from './delivery-result.ts'
import { type Listing, listEvents } from './list-events.ts'
import type { Permit } from './permit.ts'
import type { PxClient } from './px-client.ts'
import { type EventTrace, eventsPath, isFilterable, rollupIdOf, userIdOf } from './px-event.ts'

/** A line that is looked for. */
interface Sought {
  readonly id: string
  readonly trace: EventTrace
}

/** What PX shows of unconfirmed lines. Of a line that is neither found nor absent nothing is known; `failure` says why. */
export interface LookUpAnswer {
  /** With the `eventId` of each event that PX has of the line. */
  found: ReadonlyMap<string, ReadonlySet<unknown>>
  absent: ReadonlySet<string>
  failure?: LookUpFailure | undefined
}

export interface LookUpFailure {
  /** `denied`: the key may not read, or do nothing. `impatient`: PX asks for patience. `spent`, `over`: no request may be made now. */
  kind: 'denied' | 'impatient' | 'unreachable' | 'spent' | 'over' | 'failed'
  reason: string
  afterMs?: number | undefined
}

export type LookUp = (lines: readonly Sought[]) => Promise<LookUpAnswer>

const largestPage = 1_000
const smallestPage = 10
/** A page of our own events has about a tenth of it. */
const maxPageBytes = 16 * 1024 * 1024
/** So few lines of a name and date are asked for one by one, if their users can stand in a filter. */
const fewLines = 3

/**
 * Looks lines up by `GET /v1/events/custom`: the list of a name and date where many are unconfirmed, else user by user. A line is found by
 * its `rollupId` only, and absent only after a list was read to its end.
 *
 * @param acquire asked before each request: look-ups share rate and budget with what is sent
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
  /** Shrinks when a page is too long to be read. */
  let pageSize = largestPage

  async function read(path: string, size: number, scrollId: string | undefined): Promise<PxAnswer> {
    const answer = await acquire()
    if (answer !== 'go') return { answered: false, error: new NoPermit(answer), maybeSent: false }
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
    goOn: (totalHits: number) => boolean,
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
        return goOn(totalHits)
      },
    )
    if (listing.outcome === 'unclean' && listing.isTooLong) {
      pageSize = Math.max(smallestPage, Math.floor(size / 4))
    }
    return listing
  }

  /** Lines of one name and date. */
  async function lookUpGroup(
    lines: readonly Sought[],
    found: Map<string, Set<unknown>>,
    absent: Set<string>,
  ): Promise<LookUpFailure | undefined> {
    const { eventName, date } = (lines[0] as Sought).trace
    const ids = new Set(lines.map(({ id }) => id))
    const shown: Shown = { found, unreadable: new Set() }
    let doubt: LookUpFailure | undefined

    /** An event that may be the line's, and does not say so, keeps it from being absent. */
    function conclude({ id, trace }: Sought): void {
      if (found.has(id)) return
      const isDoubtful = [...shown.unreadable].some(
        (user) => user === trace.userId || typeof user !== 'string',
      )
      if (!isDoubtful) absent.add(id)
      else doubt ??= { kind: 'failed', reason: unreadableReason }
    }

    const isEachFilterable = lines.every(({ trace }) => isFilterable(trace.userId))
    if (!isEachFilterable || lines.length > fewLines) {
      // One by one is cheaper than a long list of others.
      const isWorthIt = (totalHits: number) => !isEachFilterable || totalHits / pageSize <= lines.length
      const listing = await list(eventsPath({ eventName, date }), shown, ids, isWorthIt)
      if (listing.outcome === 'unclean') return failureOf(listing, now())
      if (listing.outcome === 'complete') {
        lines.forEach(conclude)
        return doubt
      }
    }
    for (const line of lines) {
      // Also for one that is found: there may be more of it on a page that was not read.
      const listing = await list(eventsPath(line.trace), shown, ids, () => true)
      if (listing.outcome === 'unclean') return failureOf(listing, now())
      conclude(line)
    }
    return doubt
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
    let doubt: LookUpFailure | undefined
    for (const group of groups.values()) {
      const failure = await lookUpGroup(group, found, absent)
      if (failure !== undefined && failure.reason !== unreadableReason) return { found, absent, failure }
      // Only the lines that it is about stay unconfirmed.
      doubt ??= failure
    }
    return { found, absent, failure: doubt }
  }
}

/** What lists have shown so far. */
interface Shown {
  readonly found: Map<string, Set<unknown>>
  /** The users of events of the name and date whose `rollupId` cannot be read. */
  readonly unreadable: Set<unknown>
}

const unreadableReason =
  'PX shows an event of the same name, user and date without a rollupId that can be read.'

class NoPermit extends Error {
  readonly kind: 'spent' | 'over'

  constructor(kind: 'spent' | 'over') {
    super('no request may be made now')
    this.kind = kind
  }
}

function failureOf(listing: Extract<Listing, { outcome: 'unclean' }>, nowMs: number): LookUpFailure {
  const { answer } = listing
  if (answer === undefined) return { kind: 'failed', reason: `${listing.reason}.` }
  const reason = reasonOf(answer)
  if (!answer.answered) {
    if (answer.error instanceof NoPermit) return { kind: answer.error.kind, reason }
    return { kind: 'unreachable', reason }
  }
  if (isKeyRefused(answer.status)) return { kind: 'denied', reason }
  const result = resultOf(answer, nowMs)
  if (result.outcome === 'retryable') return { kind: 'impatient', reason, afterMs: result.afterMs }
  return { kind: 'failed', reason }
}
