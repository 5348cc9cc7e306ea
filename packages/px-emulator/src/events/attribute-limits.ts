import type { FieldError } from '../px-error.ts'
import { validationError } from '../px-error.ts'
import type { Switches } from '../switches.ts'

/** Limits of PX's article "Use Custom Event API". Where its versions differ, the lowest one. */
const maxAttributes = 50
const maxNameLength = 1_024
const maxValueLength = 1_024
const maxEventNameLength = 2_000
export const maxEventNames = 2_000

type Attributes = Record<string, unknown>

/**
 * Applies PX's limits to an event. Returns its name and attributes, truncated where the switch says so, or `undefined` if the
 * event is dropped.
 *
 * @param isNewName whether this name would be number 2,001
 * @throws {PxError} 400 where the switch says so
 */
export function withinLimits(
  eventName: string,
  attributes: Attributes,
  isNewName: boolean,
  limits: Switches['limits'],
): { eventName: string; attributes: Attributes } | undefined {
  if (limits === 'off') return { eventName, attributes }
  const errors = breaches(eventName, attributes, isNewName)
  if (errors.length === 0) return { eventName, attributes }
  if (limits === 'refuse') throw validationError(errors)
  if (limits === 'drop' || isNewName) return undefined
  const kept = Object.entries(attributes)
    .slice(0, maxAttributes)
    .map(([name, value]) => [
      name.slice(0, maxNameLength),
      typeof value === 'string' ? value.slice(0, maxValueLength) : value,
    ])
  return { eventName: eventName.slice(0, maxEventNameLength), attributes: Object.fromEntries(kept) }
}

function breaches(eventName: string, attributes: Attributes, isNewName: boolean): FieldError[] {
  const errors: FieldError[] = []
  const breach = (field: string, rejectedValue: unknown, message: string) =>
    errors.push({ object: 'customEvent', field, rejectedValue, message })
  const names = Object.keys(attributes)
  if (isNewName) breach('eventName', eventName, `exceeds ${maxEventNames} event names`)
  if (eventName.length > maxEventNameLength) {
    breach('eventName', eventName.length, `may have at most ${maxEventNameLength} characters`)
  }
  if (names.length > maxAttributes) {
    breach('attributes', names.length, `may hold at most ${maxAttributes} attributes`)
  }
  for (const [name, value] of Object.entries(attributes)) {
    const field = `attributes.${name.slice(0, 60)}`
    if (name.length > maxNameLength)
      breach(field, name.length, `may have at most ${maxNameLength} characters`)
    if (typeof value === 'string' && value.length > maxValueLength) {
      breach(field, value.length, `may have at most ${maxValueLength} characters`)
    }
  }
  return errors
}
