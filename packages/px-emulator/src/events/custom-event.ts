import { randomUUID } from 'node:crypto'
import { type FieldError, PxError, validationError } from '../px-error.ts'

/** A stored custom event, as `GET /v1/events/custom` returns it. */
export interface CustomEvent {
  eventId: string
  eventName: string
  identifyId: string
  propertyKey: string
  userType: string
  /** Epoch milliseconds: the day the event counts for. */
  date: number
  accountId?: string
  attributes: Record<string, unknown>
  [field: string]: unknown
}

const required = ['eventName', 'identifyId', 'propertyKey', 'userType'] as const
const optionalTexts = [
  'accountId',
  'sessionId',
  'url',
  'referrer',
  'remoteHost',
  'eventId',
  'eventType',
] as const
const objects = ['attributes', 'globalContext'] as const
const userTypes: ReadonlySet<unknown> = new Set(['LEAD', 'USER', 'VISITOR', 'EMPTY_USER_TYPE'])
/** The largest instant of a JavaScript `Date`. */
const maxDateMs = 8.64e15

export interface EventRules {
  nowMs: number
  missingDate: 'now' | 'refuse'
  /** Whether the event keeps an `eventId` of its sender. */
  keepsId: boolean
}

/**
 * Checks the body of `POST /v1/events/custom` and returns the event to store. Exact repeats are stored again, because no source
 * says that PX detects them.
 *
 * @throws {PxError} 400
 */
export function customEvent(body: unknown, { nowMs, missingDate, keepsId }: EventRules): CustomEvent {
  const given = fields(body)
  const errors: FieldError[] = []
  const refuse = (field: string, message: string) =>
    errors.push({ object: 'customEvent', field, rejectedValue: given[field] ?? null, message })
  for (const field of required) {
    if (typeof given[field] !== 'string' || given[field] === '') refuse(field, 'must not be empty')
  }
  if (typeof given.userType === 'string' && given.userType !== '' && !userTypes.has(given.userType)) {
    refuse('userType', `must be one of ${[...userTypes].join(', ')}`)
  }
  for (const field of optionalTexts) {
    if (isGiven(given[field]) && typeof given[field] !== 'string') refuse(field, 'must be a string')
  }
  for (const field of objects) {
    if (isGiven(given[field]) && !isObject(given[field])) refuse(field, 'must be an object')
  }
  if (isGiven(given.date) ? !isDate(given.date) : missingDate === 'refuse') {
    refuse('date', 'must be epoch milliseconds')
  }
  if (errors.length > 0) throw validationError(errors)
  const sent = Object.fromEntries(Object.entries(given).filter(([, value]) => isGiven(value)))
  return {
    ...sent,
    eventId: keepsId && typeof given.eventId === 'string' ? given.eventId : randomUUID(),
    date: given.date ?? nowMs,
    attributes: flatAttributes((given.attributes ?? {}) as Record<string, unknown>),
  } as CustomEvent
}

/** Returns the body as an object. @throws {PxError} 400 for anything else */
export function fields(body: unknown): Record<string, unknown> {
  if (!isObject(body)) {
    const object = Array.isArray(body) ? 'array' : body === null ? 'null' : typeof body
    throw validationError([{ object, field: '', rejectedValue: null, message: 'must be one object' }])
  }
  return body
}

/** @throws {PxError} 400 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new PxError(400, 'Malformed JSON request', null, (error as Error).message)
  }
}

const isoDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:?00)$/

/** Returns an event as PX returns it, with UTC datetimes as epoch milliseconds. */
export function withEpochDates(event: CustomEvent): CustomEvent {
  const entries = Object.entries(event.attributes)
  const isIso = (value: unknown) =>
    typeof value === 'string' && isoDate.test(value) && !Number.isNaN(Date.parse(value))
  if (!entries.some(([, value]) => isIso(value))) return event
  const read = entries.map(([name, value]) => [name, isIso(value) ? Date.parse(value as string) : value])
  return { ...event, attributes: Object.fromEntries(read) }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function isDate(value: unknown): boolean {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= maxDateMs
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Nested values are saved as a string (PX support, "Use Custom Event API"). */
function flatAttributes(attributes: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null ? JSON.stringify(value) : value,
    ]),
  )
}
