import { PxError } from './px-error.ts'

/** What happens to an event where it is not known whether PX accepts it. */
type Verdict = 'store' | 'refuse' | 'drop'

/**
 * One switch for each behaviour of PX that no public source documents. `store` accepts an event as it is, `refuse` returns 400,
 * `drop` returns 201 and stores nothing.
 */
export interface Switches {
  /** An event of an unknown user. `create` adds the user. @default 'store' */
  unknownUser: Verdict | 'create'
  /** An event of an unknown account. `create` adds the account. @default 'store' */
  unknownAccount: Verdict | 'create'
  /** An event with another product key than the subscription has. @default 'store' */
  unknownProductKey: Verdict
  /** An event whose name is not declared. @default 'store' */
  undeclaredEvent: Verdict
  /** The oldest day an event may have, in days before today; `null` accepts all. @default null */
  oldestEventDays: number | null
  /** The latest day an event may have, in days from today. @default null */
  newestEventDays: number | null
  /** An event outside these days. @default 'refuse' */
  dateOutOfRange: 'refuse' | 'drop'
  /** An event without a date gets the time of arrival, or 400. @default 'now' */
  missingDate: 'now' | 'refuse'
  /** An `eventId` of the sender is replaced, kept, or kept with repeats dropped. @default 'replace' */
  eventId: 'replace' | 'keep' | 'deduplicate'
  /** More than 50 attributes, 2,000 event names, or too long a name or value. @default 'refuse' */
  limits: 'refuse' | 'drop' | 'truncate' | 'off'
  /** `first`: values of another type than the first value are left out. @default 'free' */
  attributeType: 'free' | 'first'
  /** Events per user and day; further ones are dropped. `null` is no limit. @default null */
  eventsPerUserDay: number | null
  /** The body of 201. @default 'empty' */
  createdBody: 'empty' | 'json' | 'text'
  /** The body of every refusal. @default 'json' */
  errorBody: 'json' | 'html' | 'empty'
  /** The response to a key that lacks the permission. @default 403 */
  weakKeyStatus: 401 | 403
  /** Requests a second; further ones get 429. `null` is no limit. @default 200 */
  requestsPerSecond: number | null
  /** Requests a day. @default 1000000 */
  requestsPerDay: number | null
  /** Hour of the day, in UTC, at which the daily limit is reset. @default 0 */
  quotaResetHour: number
  /** Requests that share the limits: all, those with the same key, or those from the same IP address. @default 'subscription' */
  rateLimitScope: 'subscription' | 'key' | 'address'
  /** `Retry-After` of a 429, in seconds; `null` sends none. @default null */
  retryAfterSeconds: number | null
  /** Time in ms until an event is visible in GET and in reports. @default 0 */
  visibilityLagMs: number
  /** Whether the last page of a list has a `scrollId`. @default 'given' */
  lastScrollId: 'given' | 'none'
  /** How several `filter` parameters are joined: an event meets one of them, or all. @default 'or' */
  repeatedFilters: 'or' | 'and'
  /** Texts such as `2026-11-23T10:00:00Z` are read back as epoch ms, or as sent. @default 'epoch' */
  isoDates: 'epoch' | 'text'
  /** Whether a text such as `"120"` counts in Sum, Average, Min and Max. @default 'ignore' */
  numericStrings: 'ignore' | 'count'
  /** What Average divides by: events, or different users of each day. @default 'event' */
  averagePer: 'event' | 'userDay'
  /** First day of the week in reports. @default 'monday' */
  weekStart: 'monday' | 'sunday'
  /** What a PUT does to the custom attributes it does not name. @default 'merge' */
  putAttributes: 'merge' | 'replace'
  /** What a `null` in a PUT does to a custom attribute. @default 'clear' */
  nullAttribute: 'clear' | 'ignore' | 'store'
  /** An undeclared custom attribute is left out, refused with 400, or stored. @default 'ignore' */
  undeclaredAttribute: 'ignore' | 'refuse' | 'store'
  /** Whether ids in a path are percent-decoded. @default 'decode' */
  pathIds: 'decode' | 'raw'
  /** The response to a DELETE. @default 204 */
  deletedStatus: 200 | 204
  /** The response to a PUT of an unknown id. @default 404 */
  unknownPutStatus: 400 | 404
}

type Allowed<T> = readonly Exclude<T, number>[] | readonly T[] | 'number' | 'number or null'

/** Each switch with its default and what else it can be. */
const table: { readonly [K in keyof Switches]: readonly [Switches[K], Allowed<Switches[K]>] } = {
  unknownUser: ['store', ['store', 'create', 'refuse', 'drop']],
  unknownAccount: ['store', ['store', 'create', 'refuse', 'drop']],
  unknownProductKey: ['store', ['store', 'refuse', 'drop']],
  undeclaredEvent: ['store', ['store', 'refuse', 'drop']],
  oldestEventDays: [null, 'number or null'],
  newestEventDays: [null, 'number or null'],
  dateOutOfRange: ['refuse', ['refuse', 'drop']],
  missingDate: ['now', ['now', 'refuse']],
  eventId: ['replace', ['replace', 'keep', 'deduplicate']],
  limits: ['refuse', ['refuse', 'drop', 'truncate', 'off']],
  attributeType: ['free', ['free', 'first']],
  eventsPerUserDay: [null, 'number or null'],
  createdBody: ['empty', ['empty', 'json', 'text']],
  errorBody: ['json', ['json', 'html', 'empty']],
  weakKeyStatus: [403, [401, 403]],
  requestsPerSecond: [200, 'number or null'],
  requestsPerDay: [1_000_000, 'number or null'],
  quotaResetHour: [0, 'number'],
  rateLimitScope: ['subscription', ['subscription', 'key', 'address']],
  retryAfterSeconds: [null, 'number or null'],
  visibilityLagMs: [0, 'number'],
  lastScrollId: ['given', ['given', 'none']],
  repeatedFilters: ['or', ['or', 'and']],
  isoDates: ['epoch', ['epoch', 'text']],
  numericStrings: ['ignore', ['ignore', 'count']],
  averagePer: ['event', ['event', 'userDay']],
  weekStart: ['monday', ['monday', 'sunday']],
  putAttributes: ['merge', ['merge', 'replace']],
  nullAttribute: ['clear', ['clear', 'ignore', 'store']],
  undeclaredAttribute: ['ignore', ['ignore', 'refuse', 'store']],
  pathIds: ['decode', ['decode', 'raw']],
  deletedStatus: [204, [200, 204]],
  unknownPutStatus: [404, [400, 404]],
}

export const defaultSwitches: Readonly<Switches> = Object.fromEntries(
  Object.entries(table).map(([name, [value]]) => [name, value]),
) as unknown as Switches

/** What a switch can be, as a text: `'ignore', 'refuse', 'store'` or `number or null`. */
export function switchValues(name: keyof Switches): string {
  const allowed: unknown = table[name][1]
  return typeof allowed === 'string'
    ? allowed
    : (allowed as unknown[]).map((value) => String(value)).join(', ')
}

/** Checks the given switches. @throws {PxError} 400 for an unknown switch or value */
export function checkSwitches(given: object): Partial<Switches> {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(table, name)) {
      throw new PxError(400, `No switch ${JSON.stringify(name)}. There are: ${Object.keys(table).join(', ')}`)
    }
    const allowed: unknown = table[name as keyof Switches][1]
    const fits =
      typeof allowed === 'string'
        ? isAmount(value) || (value === null && allowed === 'number or null')
        : (allowed as unknown[]).includes(value)
    if (!fits) {
      const expected = switchValues(name as keyof Switches)
      throw new PxError(400, `${name} cannot be ${JSON.stringify(value)}, but: ${expected}`)
    }
  }
  return given
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
