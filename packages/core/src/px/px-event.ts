import { propertiesBeside } from '../attribution/properties.ts'
import type { DayUsage } from '../day/rollup.ts'
import type { Identity } from '../model/identity.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { Properties, UsageDay } from '../model/series.ts'

/**
 * The body of `POST /v1/events/custom` (PX REST API 0.1.6, px-apidocs.gainsight.com). The first four fields are required.
 */
export interface PxEvent {
  eventName: string
  identifyId: string
  propertyKey: string
  userType: 'USER'
  accountId?: string
  /** Epoch milliseconds. PX counts the event in the day of this time. */
  date: number
  attributes: Record<string, string | number | boolean>
}

/** The settings of the meter that an event contains. */
export interface EventSettings {
  productKey: string
  timeZone: string
  /** Returns 12:00 of a day in its zone, which is on the same date in every zone less than twelve hours away. */
  noon(day: string): number
}

/** Returns the PX event of a rollup. */
export function rollupEvent(usage: DayUsage, { productKey, timeZone, noon }: EventSettings): PxEvent {
  const { eventName, day, identity, properties, endpoint, measures, revision, rollupId } = usage
  const date = noon(day)
  return {
    eventName,
    identifyId: identity.userId,
    ...(identity.accountId === undefined ? {} : { accountId: identity.accountId }),
    propertyKey: productKey,
    userType: 'USER',
    date,
    attributes: {
      timestamp: date,
      ...measures,
      ...propertiesBeside(Object.keys(measures), properties),
      ...(endpoint === undefined ? {} : { method: endpoint.method, endpoint: endpoint.route }),
      day,
      timeZone,
      ...(revision > 0 ? { revision } : {}),
      rollupId,
    },
  }
}

/** Returns the outbox line of a rollup. The line contains the final body, so later changes of the options do not affect it. */
export function rollupLine(usage: DayUsage, settings: EventSettings): OutboxLine {
  const { rollupId: id, day, rank, calls } = usage
  return { id, day, kind: 'event', rank, body: JSON.stringify(rollupEvent(usage, settings)), calls }
}

/** An event that the app sends with `track()`. */
export interface TrackedEvent {
  /** A random id. */
  id: string
  eventName: string
  identity: Identity
  properties: Properties
  day: UsageDay
  atMs: number
}

/** Returns the outbox line of a real-time event. Its id is the event's `rollupId`, by which a look-up finds it in PX. */
export function trackedLine(
  { id, eventName, identity, properties, day, atMs }: TrackedEvent,
  productKey: string,
): OutboxLine {
  const event: PxEvent = {
    eventName,
    identifyId: identity.userId,
    ...(identity.accountId === undefined ? {} : { accountId: identity.accountId }),
    propertyKey: productKey,
    userType: 'USER',
    date: atMs,
    attributes: { timestamp: atMs, ...properties, rollupId: id },
  }
  return { id, day, kind: 'event', rank: 'total', body: JSON.stringify(event), calls: 0 }
}

/** Returns the name of the backfill that an event comes from, `undefined` for an event of a live day. */
export function backfillOf(body: string): string | undefined {
  // Most lines are those of live days, and these are not parsed.
  if (!body.includes('"backfill":')) return undefined
  const { attributes } = JSON.parse(body) as Partial<PxEvent>
  const name = attributes?.backfill
  return typeof name === 'string' ? name : undefined
}

/** What a look-up needs to find an event in PX. */
export interface EventTrace {
  eventName: string
  userId: string
  date: number
}

/** Reads the trace of an event from the body of its outbox line. */
export function traceOf(body: string): EventTrace {
  const { eventName, identifyId, date } = JSON.parse(body) as PxEvent
  return { eventName, userId: identifyId, date }
}

/** How far from its date an event is searched, in case PX rounds dates: 60000 ms (1 minute). */
const marginMs = 60_000

/**
 * Returns the path of `GET /v1/events/custom` for the events of one name and date, of one user or of all users.
 *
 * @throws {TypeError} for a user id that cannot be used in a filter: see `isFilterable`
 */
export function eventsPath({ date, ...trace }: Omit<EventTrace, 'userId'> & { userId?: string }): string {
  return listPath({ ...trace, startMs: date - marginMs, endMs: date + marginMs })
}

/**
 * Returns the path of `GET /v1/events/custom` for the events of one name and a range of dates, of one user or of all users.
 *
 * The filter's grammar (px-apidocs.gainsight.com) has no escapes. So an event name with other characters than letters, digits and
 * `_ . @ -` is left out of the filter, and the caller selects its events from the response.
 *
 * @throws {TypeError} for a user id that cannot be used in a filter: see `isFilterable`
 */
export function listPath({
  eventName,
  userId,
  startMs,
  endMs,
}: {
  eventName: string
  userId?: string
  startMs: number
  endMs: number
}): string {
  if (userId !== undefined && !isFilterable(userId))
    throw new TypeError('This user id cannot be used in a filter.')
  const filter = [
    ...(userId === undefined ? [] : [`identifyId==${userId}`]),
    ...(isFilterable(eventName) ? [`eventName==${eventName}`] : []),
    `date>=${startMs}`,
    `date<=${endMs}`,
  ].join(';')
  // Without a range, PX searches the last day only and would return no older event.
  const query = new URLSearchParams({ filter, dateRangeStart: String(startMs), dateRangeEnd: String(endMs) })
  return `/v1/events/custom?${query}`
}

/** Returns whether a text can be used in a filter of PX. */
export function isFilterable(text: string): boolean {
  return /^[\w.@-]+$/.test(text)
}

/** Returns the id of the line that a custom event of PX came from, if any. PX may change the case of attribute names. */
export function rollupIdOf(event: object): string | undefined {
  const { attributes } = event as { attributes?: unknown }
  if (typeof attributes !== 'object' || attributes === null) return undefined
  const entry = Object.entries(attributes).find(([name]) => name.toLowerCase() === 'rollupid')
  return typeof entry?.[1] === 'string' ? entry[1] : undefined
}

/** Returns the user id of a custom event of PX, if it is where PX documents it. */
export function userIdOf(event: object): unknown {
  return (event as Partial<PxEvent>).identifyId
}
