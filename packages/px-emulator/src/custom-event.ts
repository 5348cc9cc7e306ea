import { randomUUID } from 'node:crypto'
import { type FieldError, PxError, validationError } from './px-error.ts'

/** A stored custom event, as `GET /v1/events/custom` answers it. */
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
const userTypes: ReadonlySet<unknown> = new Set(['LEAD', 'USER', 'VISITOR', 'EMPTY_USER_TYPE'])

/**
 * Checks the body of `POST /v1/events/custom` and makes the event that is stored: with an id of its own, and the time of
 * arrival where it has no date. Exact repeats are stored again: nothing says that PX would notice them.
 *
 * @throws {PxError} 400
 */
export function customEvent(body: unknown, nowMs: number): CustomEvent {
  const given = fields(body)
  const errors: FieldError[] = []
  const refuse = (field: string, message: string) =>
    errors.push({ object: 'customEvent', field, rejectedValue: given[field] ?? null, message })
  for (const field of required) {
    if (typeof given[field] !== 'string' || given[field] === '') refuse(field, 'must not be empty')
  }
  if (given.userType !== undefined && !userTypes.has(given.userType))
    refuse('userType', 'is no known user type')
  if (given.date !== undefined && !Number.isSafeInteger(given.date))
    refuse('date', 'must be epoch milliseconds')
  if (given.accountId !== undefined && typeof given.accountId !== 'string')
    refuse('accountId', 'must be a string')
  if (given.attributes !== undefined && !isObject(given.attributes)) refuse('attributes', 'must be an object')
  if (errors.length > 0) throw validationError(errors)
  return {
    ...given,
    eventId: randomUUID(),
    date: given.date ?? nowMs,
    attributes: flatAttributes((given.attributes ?? {}) as Record<string, unknown>),
  } as CustomEvent
}

/** The body as an object. @throws {PxError} 400 for anything else */
export function fields(body: unknown): Record<string, unknown> {
  if (!isObject(body)) throw new PxError(400, 'Malformed JSON request')
  return body
}

function isObject(value: unknown): value is Record<string, unknown> {
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
