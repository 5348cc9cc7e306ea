import { quoted } from '../errors.ts'
import { detached } from '../model/detached-text.ts'
import type { Properties, PropertyValue } from '../model/series.ts'
import { sortedEntries } from '../model/sorted-entries.ts'
import { maxTextLength } from '../px-limits.ts'

/** PX accepts 50 properties (px-api, limits of custom events). The rollups add a dozen properties. */
const maxProperties = 36

/** Names that the rollups use. They are compared without case, because PX's documents disagree on whether case matters. */
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

/** Why PX cannot store a property, and what to do. */
const cures = {
  unreadable:
    'The properties are not a plain object. Return one, such as { subscriptionName: plan }, or nothing.',
  name: `A name must have 1 to ${maxTextLength} whole characters, and must not be __proto__.`,
  reserved: 'px-usage uses that name in its events. Choose another name.',
  sameName: 'Another property has a name that differs only in case. Keep one of the two.',
  type: 'PX stores flat values. Give a text, a finite number or a boolean.',
  text: `A text must have at most ${maxTextLength} whole characters. Shorten it.`,
  tooMany: `There are more than ${maxProperties}. Leave some out.`,
} as const

const noObject =
  'The properties of a call are left out, because they are not a plain object. Return one, such as { subscriptionName: plan }, or nothing.'

type LeftOutReason = keyof typeof cures

/** Called for each property that is left out. @param message which one, why, and what to do */
export type LeaveOut = (reason: string, message: string) => void

/**
 * Returns the properties of an app that PX can store: flat texts, finite numbers and booleans under names that differ in
 * more than case. `undefined` and `null` count as not given.
 *
 * @throws what a getter of the object throws
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

/** Returns the properties whose names differ from those of the numbers in the same event in more than case. */
export function propertiesBeside(numbers: readonly string[], properties: Properties): Properties {
  const taken = new Set(numbers.map((name) => name.toLowerCase()))
  const entries = Object.entries(properties)
  const free = entries.filter(([name]) => !taken.has(name.toLowerCase()))
  return free.length === entries.length ? properties : Object.fromEntries(free)
}

function reasonAgainst(
  name: string,
  folded: string,
  value: unknown,
  names: ReadonlySet<string>,
): LeftOutReason | undefined {
  if (name === '' || name === '__proto__' || name.length > maxTextLength || !name.isWellFormed())
    return 'name'
  if (reserved.has(folded)) return 'reserved'
  if (names.has(folded)) return 'sameName'
  if (typeof value === 'string') {
    if (value.length > maxTextLength || !value.isWellFormed()) return 'text'
  } else if (typeof value !== 'boolean' && !(typeof value === 'number' && Number.isFinite(value))) {
    return 'type'
  }
  return names.size - reserved.size >= maxProperties ? 'tooMany' : undefined
}

/** Property sets by their content: one object for each. */
export interface PropertySets {
  /** Returns the object with the same names and values in any order. Reads the content only of an object that is new to it. */
  find(properties: Properties): Properties | undefined
  /** Adds a set that `find` does not find. @returns the same object */
  add(properties: Properties): Properties
}

/** Limit of remembered objects: growing a WeakMap to a million entries takes tens of milliseconds. */
const maxSeen = 1_000

/** Creates an empty collection. The objects given must not change. */
export function createPropertySets(): PropertySets {
  const byContent = new Map<string, Properties>()
  /** By each object with the content. The same few objects come again, so their content is read only the first time. */
  let seen = new WeakMap<Properties, Properties>()
  let seenSize = 0

  function remember(properties: Properties, known: Properties): Properties {
    if (seenSize >= maxSeen) {
      seen = new WeakMap()
      seenSize = 0
    }
    seen.set(properties, known)
    seenSize += 1
    return known
  }

  return {
    find(properties) {
      const known = seen.get(properties)
      if (known !== undefined) return known
      const same = byContent.get(contentOf(properties))
      return same === undefined ? undefined : remember(properties, same)
    },
    add(properties) {
      byContent.set(contentOf(properties), properties)
      return remember(properties, properties)
    },
  }
}

/** Returns the same text for the same names and values in any order. It is JSON, so no value can imitate a separator. */
function contentOf(properties: Properties): string {
  return JSON.stringify(sortedEntries(properties))
}
