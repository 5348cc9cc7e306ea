import type { DayUsage } from '../day/rollup.ts'
import type { OutboxLine } from '../store/store.ts'

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
