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
  /** Epoch milliseconds; says in which day PX counts the event. */
  date: number
  attributes: Record<string, string | number | boolean>
}

export interface EventSettings {
  productKey: string
  timeZone: string
  /** 12:00 of the day in its zone: no zone less than twelve hours away shows another day. */
  noon(day: string): number
}

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
      ...properties,
      ...(endpoint === undefined ? {} : { method: endpoint.method, endpoint: endpoint.route }),
      day,
      timeZone,
      ...(revision > 0 ? { revision } : {}),
      rollupId,
    },
  }
}

/** Freezes an event: what is in the outbox is what PX gets, whatever the options are by then. */
export function rollupLine(usage: DayUsage, settings: EventSettings): OutboxLine {
  const { rollupId: id, day, rank, calls } = usage
  return { id, day, kind: 'event', rank, body: JSON.stringify(rollupEvent(usage, settings)), calls }
}

/** Something that the app tells in real time. */
export interface TrackedEvent {
  /** Random: there is no second event that says the same. */
  id: string
  eventName: string
  identity: Identity
  properties: Properties
  day: UsageDay
  atMs: number
}

/** Freezes a real-time event. Its id stands in it as `rollupId`, by which it is found in PX like any other. */
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

/** How to find an event again in PX. */
export interface EventTrace {
  eventName: string
  userId: string
  date: number
}

/** @param body what was frozen in the outbox */
export function traceOf(body: string): EventTrace {
  const { eventName, identifyId, date } = JSON.parse(body) as PxEvent
  return { eventName, userId: identifyId, date }
}

/** How far from its own date an event is looked for, should PX round dates. */
const marginMs = 60_000

/**
 * The path of `GET /v1/events/custom` for the events of one name and date, of one user or of all.
 *
 * The grammar (px-apidocs.gainsight.com) has no way to escape what means something in it, so a text with anything but letters,
 * digits and `_ . @ -` is left out of the filter, and its events are told apart in the answer.
 *
 * @throws {TypeError} for a user who cannot stand in a filter: see `isFilterable`
 */
export function eventsPath({
  eventName,
  date,
  userId,
}: Omit<EventTrace, 'userId'> & { userId?: string }): string {
  if (userId !== undefined && !isFilterable(userId))
    throw new TypeError('This user id cannot stand in a filter.')
  const startMs = date - marginMs
  const endMs = date + marginMs
  const filter = [
    ...(userId === undefined ? [] : [`identifyId==${userId}`]),
    ...(isFilterable(eventName) ? [`eventName==${eventName}`] : []),
    `date>=${startMs}`,
    `date<=${endMs}`,
  ].join(';')
  // Without a range PX looks at the last day only.
  const query = new URLSearchParams({ filter, dateRangeStart: String(startMs), dateRangeEnd: String(endMs) })
  return `/v1/events/custom?${query}`
}

export function isFilterable(text: string): boolean {
  return /^[\w.@-]+$/.test(text)
}

/** @returns the line that a custom event of PX came from, if it came from one: PX keeps no case of attribute names */
export function rollupIdOf(event: object): string | undefined {
  const { attributes } = event as { attributes?: unknown }
  if (typeof attributes !== 'object' || attributes === null) return undefined
  const entry = Object.entries(attributes).find(([name]) => name.toLowerCase() === 'rollupid')
  return typeof entry?.[1] === 'string' ? entry[1] : undefined
}

/** @returns the user of a custom event of PX, if it says so in the way that it is documented */
export function userIdOf(event: object): unknown {
  return (event as Partial<PxEvent>).identifyId
}
