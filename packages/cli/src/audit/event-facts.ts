import { rollupIdOf, userIdOf } from '@px-usage/core/adapter'

/** What an audit compares of an event, whether it is the body of a line or comes from PX. */
export interface EventFacts {
  readonly id: string | undefined
  readonly eventName: string
  readonly userId: string
  readonly accountId: string
  readonly productKey: string
  readonly day: string
  /** 0 for the close of the day, higher for late counts. */
  readonly revision: number
  /** What it measures: the name, the day, the identity, the properties and the endpoint. A revision measures the same. */
  readonly entity: string
  /** Its numbers by name: API calls, errors, or those of another instrument. */
  readonly measures: Readonly<Record<string, number>>
}

/** Numbers of an event that nothing counts: PX keeps the names of attributes, but may change their case. */
const noMeasures: ReadonlySet<string> = new Set(['timestamp', 'revision'])

/** Reads an event. Missing fields are empty. @param dayOf returns the usage day of a time, for an event that names no day */
export function factsOf(event: object, dayOf: (epochMs: number) => string): EventFacts {
  const { eventName, accountId, propertyKey, date, attributes } = event as Record<string, unknown>
  const measures: Record<string, number> = {}
  let day: unknown
  let revision = 0
  const texts: Array<readonly [string, unknown]> = []
  for (const [given, value] of Object.entries(Object(attributes) as object)) {
    const name = given.toLowerCase()
    if (name === 'day') day = value
    if (typeof value !== 'number') {
      if (name !== 'rollupid') texts.push([name, value])
      continue
    }
    if (name === 'revision') revision = value
    else if (!noMeasures.has(name)) measures[given] = value
  }
  const usageDay = typeof day === 'string' ? day : typeof date === 'number' ? dayOf(date) : ''
  const userId = textOf(userIdOf(event))
  texts.sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    id: rollupIdOf(event),
    eventName: textOf(eventName),
    userId,
    accountId: textOf(accountId),
    productKey: textOf(propertyKey),
    day: usageDay,
    revision,
    entity: JSON.stringify([eventName, usageDay, userId, accountId ?? '', texts]),
    measures,
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Returns 30 bits that differ for events of another user or account, or with other numbers. */
export function fingerprintOf({ userId, accountId, measures }: EventFacts): number {
  const numbers = Object.entries(measures).map(([name, value]) => [name.toLowerCase(), value] as const)
  const text = JSON.stringify([userId, accountId, numbers.sort(([a], [b]) => (a < b ? -1 : 1))])
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 2
}
