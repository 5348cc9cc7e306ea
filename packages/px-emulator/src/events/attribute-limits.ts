import type { FieldError } from '../px-error.ts'
import { validationError } from '../px-error.ts'
import type { Switches } from '../switches.ts'

/** What the generations of PX's article "Use Custom Event API" allow, the tightest of each. */
const maxAttributes = 50
const maxNameLength = 1_024
const maxValueLength = 1_024
const maxEventNameLength = 2_000
export const maxEventNames = 2_000

type Attributes = Record<string, unknown>

/**
 * Holds an event to the limits. Answers its name and attributes, shortened where the switch says so, or `undefined` where the
 * event is dropped.
 *
 * @param isNewName whether no event had this name so far, and there are 2,000 names already
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
  if (isNewName) breach('eventName', eventName, `is one of more than ${maxEventNames} event names`)
  if (eventName.length > maxEventNameLength) {
    breach('eventName', eventName.length, `may have ${maxEventNameLength} characters`)
  }
  if (names.length > maxAttributes) {
    breach('attributes', names.length, `may hold ${maxAttributes} attributes`)
  }
  for (const [name, value] of Object.entries(attributes)) {
    const field = `attributes.${name.slice(0, 60)}`
    if (name.length > maxNameLength) breach(field, name.length, `may have ${maxNameLength} characters`)
    if (typeof value === 'string' && value.length > maxValueLength) {
      breach(field, value.length, `may have ${maxValueLength} characters`)
    }
  }
  return errors
}
