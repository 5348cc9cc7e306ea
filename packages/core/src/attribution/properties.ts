import { quoted } from '../errors.ts'
import { detached } from '../model/detached-text.ts'
import type { Properties, PropertyValue } from '../model/series.ts'

/** PX takes up to 50 properties and 1,024 characters (px-api, limits of custom events); the rollups add a dozen. */
const maxProperties = 36
const maxLength = 1_024

/** Names that the rollups write themselves. Compared without case: PX's papers disagree on whether case counts. */
const reserved: ReadonlySet<string> = new Set(
  [
    'timestamp',
    'apiCalls',
    'clientErrors',
    'serverErrors',
    'aborted',
    'method',
    'endpoint',
    'day',
    'timeZone',
    'rollupId',
    'revision',
  ].map((name) => name.toLowerCase()),
)

/** Why PX cannot have a property, and what to do about it. */
const cures = {
  unreadable:
    'The properties are no plain object. Answer one, such as { subscriptionName: plan }, or nothing.',
  name: `A name is a text of 1 to ${maxLength} whole characters, and not __proto__.`,
  reserved: 'The events have a number or text of that name themselves. Give it another name.',
  sameName: 'There is another one whose name differs in case only. Keep one of the two.',
  type: 'PX takes flat values. Give a text, a finite number or a boolean.',
  text: `A text has at most ${maxLength} characters, and no half of one. Shorten it.`,
  tooMany: `There are more than ${maxProperties}. Leave some out.`,
} as const

const noObject =
  'The properties of a call are left out, as they are no plain object. Answer one, such as { subscriptionName: plan }, or nothing.'

type LeftOutReason = keyof typeof cures

/** Is told of each property that is left out. @param message says which one, why, and what to do */
export type LeaveOut = (reason: string, message: string) => void

/**
 * The part of an app's properties that PX can keep: flat texts, finite numbers and booleans under names that differ in
 * more than case. One that is `undefined` or `null` counts as not given.
 *
 * May throw what a getter throws.
 */
export function usableProperties(given: unknown, leaveOut: LeaveOut = () => {}): Properties {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    leaveOut('all', noObject)
    return {}
  }
  const usable: Record<string, PropertyValue> = {}
  const names = new Set(reserved)
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null) continue
    const folded = name.toLowerCase()
    const reason = reasonAgainst(name, folded, value, names)
    if (reason !== undefined) {
      leaveOut(reason, `The property ${quoted(name)} is left out. ${cures[reason]}`)
      continue
    }
    names.add(folded)
    usable[name] = typeof value === 'string' ? detached(value) : (value as PropertyValue)
  }
  return usable
}

function reasonAgainst(
  name: string,
  folded: string,
  value: unknown,
  names: ReadonlySet<string>,
): LeftOutReason | undefined {
  if (name === '' || name === '__proto__' || name.length > maxLength || !name.isWellFormed()) return 'name'
  if (reserved.has(folded)) return 'reserved'
  if (names.has(folded)) return 'sameName'
  if (typeof value === 'string') {
    if (value.length > maxLength || !value.isWellFormed()) return 'text'
  } else if (typeof value !== 'boolean' && !(typeof value === 'number' && Number.isFinite(value))) {
    return 'type'
  }
  return names.size - reserved.size >= maxProperties ? 'tooMany' : undefined
}
