import { inspect } from 'node:util'

/**
 * Every code of an error or a warning of px-usage, with the sentence that docs/error-codes.md repeats. A code is never reused for
 * another meaning.
 */
export const codes = {
  PXU_ERR_OPTIONS_UNKNOWN: 'An option was given that px-usage does not know.',
  PXU_ERR_OPTIONS_INVALID: 'An option has a value of the wrong type or out of range.',
  PXU_ERR_OPTIONS_API_KEY_MISSING: 'No PX REST API key was given.',
  PXU_ERR_OPTIONS_PRODUCT_KEY_MISSING: 'No PX product key was given.',
  PXU_ERR_OPTIONS_REGION_UNKNOWN: 'The PX region is not one of the known ones.',
  PXU_ERR_OPTIONS_BASE_URL_INVALID: 'The base URL of PX is not a usable URL.',
  PXU_ERR_OPTIONS_TIME_ZONE_UNKNOWN: 'The time zone is not a known IANA zone.',
  PXU_ERR_OPTIONS_IDENTIFY_MISSING: 'The middleware was created without an `identify` callback.',
  PXU_WRN_OPTIONS_PRODUCT_KEY: 'The product key does not begin with `AP-`, so it is most likely not one.',
  PXU_ERR_ATTRIBUTION_FAILED:
    "A call could not be attributed to a user and does not appear in any user's totals.",
  PXU_WRN_ATTRIBUTION_ALL_ANONYMOUS:
    'All calls so far were anonymous: `identify` returned nothing for each of them.',
  PXU_WRN_ATTRIBUTION_UNKNOWN_KEYS:
    'An identity has no `accountId` but keys that px-usage does not know, so its calls count without an account.',
  PXU_WRN_ATTRIBUTION_PROPERTY_LEFT_OUT: 'A property of a call is invalid for PX, and is left out.',
  PXU_ERR_ATTRIBUTION_CALLBACK_FAILED:
    'A callback of the app (`endpoint`, `ignore` or `properties`) failed, and the call was counted without its result.',
  PXU_ERR_ADAPTER_FAILED:
    'Code of px-usage failed during a request; the request was not affected, and the call was counted.',
  PXU_ERR_DELIVERY_REJECTED:
    'PX refused an event; it stays in the store with the reply and is not sent again.',
  PXU_ERR_DELIVERY_STOPPED:
    'PX refuses everything (key, permission, address, or one event after the other); all events wait in the store until it works again.',
  PXU_ERR_DELIVERY_UNREACHABLE:
    'PX cannot be reached or fails; all events wait in the store and are retried.',
  PXU_ERR_DELIVERY_LOOKUP_FAILED:
    'Unconfirmed events cannot be looked up in PX; they wait in the store and are looked up again later.',
  PXU_WRN_DELIVERY_NO_READ:
    'The key lacks the Read permission, so an unconfirmed event is resent without a look-up and may be in PX twice.',
  PXU_WRN_DELIVERY_REFUSED_AT_START: 'PX refuses a request at start: the key or the address is wrong.',
  PXU_WRN_DELIVERY_SEVERAL_SENDERS:
    "Several instances that share no store send events of the same users and days, so PX's Average is wrong.",
  PXU_WRN_DELIVERY_BUDGET_SPENT: 'The daily request budget is spent; the rest is sent tomorrow.',
  PXU_WRN_COUNTING_OVERFLOW:
    'There are too many series, so some calls are counted under (overflow); the totals are right.',
  PXU_WRN_COUNTING_SATURATED: 'A number reached 2^53 - 1, beyond which it cannot be exact, and stays there.',
  PXU_WRN_COUNTING_MEASURE_REFUSED:
    'A number that `measures` returned for a call cannot be counted; the call is.',
  PXU_ERR_COUNTING_INSTRUMENT:
    'A counter or a gauge cannot be created with this event name or these options.',
  PXU_ERR_COUNTING_VALUE: 'A counter or a gauge got a value that cannot be counted.',
  PXU_ERR_COUNTING_IDENTITY: 'A counter or a gauge was given an invalid identity.',
  PXU_ERR_DAY_COLLECT_FAILED: 'The callback of an observable gauge failed or exceeded its time limit.',
  PXU_WRN_DAY_COLLECT_MISSED: 'An observable gauge was not read for a day, because no process ran in time.',
  PXU_ERR_DELIVERY_TRACK: 'A real-time event has an invalid name or identity.',
  PXU_ERR_DELIVERY_TRACK_DROPPED:
    'Real-time events are lost, because the store has been failing for too long.',
  PXU_WRN_DELIVERY_MISSING: 'PX does not know some users or accounts whose attributes px-usage sets.',
  PXU_WRN_DELIVERY_ATTRIBUTE_UNDECLARED: 'An attribute that is to be set is not declared in PX.',
  PXU_WRN_DAY_CLOCK_STEP:
    'The clock of the machine jumped far ahead, so no day is closed by it until the time is confirmed.',
  PXU_WRN_DAY_CLOCK_UNSET:
    'The clock of the machine shows a time before 2001, so calls wait in memory for a date.',
  PXU_WRN_DAY_LATE_COUNTS: 'Counts of a day came after it was closed, and are sent as a further event.',
  PXU_ERR_METER_LOST: 'Calls or events were lost when the meter was closed.',
  PXU_WRN_METER_CLOSED: 'A call finished after the meter was closed, and is not counted.',
  PXU_ERR_STORE_IN_USE: 'A store belongs to another meter already.',
  PXU_WRN_STORE_FOREIGN_WRITER:
    'A journal in the folder of the file store was written on another host, so its day stays open for a day longer.',
  PXU_WRN_STORE_EPHEMERAL:
    'The folder of the file store is not on a persistent volume, so the next deploy loses it.',
  PXU_WRN_STORE_FOREIGN_FOLDER:
    'The folder of the file store belongs to another user, or every user can write to it.',
  PXU_WRN_STORE_NO_SYNC:
    'Files cannot be synced under the permission model of Node, so a power cut may lose counts.',
  PXU_WRN_STORE_LEFTOVER:
    'The store holds counts from before the time zone or the PX address was changed, which are closed and sent now.',
  PXU_ERR_STORE_UNREADABLE:
    'A file of the file store cannot be read, in whole or in part; what cannot be read is kept.',
  PXU_WRN_STORE_REDIS_EVICTS:
    'Redis removes keys when its memory is full, so counts and unsent events may be lost.',
  PXU_ERR_STORE_REDIS_LOST: 'Redis lost counts or unsent events that px-usage had stored in it.',
  PXU_ERR_STORE_UNAVAILABLE: 'The store failed; the counts stay in memory and px-usage retries.',
} as const

export type UsageErrorCode = keyof typeof codes

const brand: unique symbol = Symbol.for('@px-usage/core.UsageError') as never

/** A failure before it becomes a `UsageError`, which is created only if the failure is reported. */
export interface Failure {
  readonly code: UsageErrorCode
  readonly message: string
  readonly cause?: unknown
}

/** The page on which each code has a paragraph. A test in test/docs compares it with the table above. */
const pageUrl = 'https://github.com/px-usage/px-usage/blob/main/docs/error-codes.md'

/**
 * The only error class of px-usage. Match on `code`; `help` is the address of its documentation. `instanceof` also works between two
 * installed copies of the package.
 */
export class UsageError extends Error {
  readonly code: UsageErrorCode
  readonly help: string

  constructor(code: UsageErrorCode, message: string, options?: ErrorOptions) {
    const help = `${pageUrl}#${code.toLowerCase()}`
    // No full stop after the address, because a terminal would make it part of the link.
    super(`${asSentence(message)} See ${help}`, options)
    this.code = code
    this.help = help
    // Defined, not assigned: with --frozen-intrinsics, assigning a property that the prototype has throws.
    Object.defineProperty(this, 'name', { value: 'UsageError', configurable: true, writable: true })
    Object.defineProperty(this, brand, { value: true })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }
}

/** Returns the error of a failed store: a `UsageError` unchanged, and any other error as the cause of one. */
export function storeError(message: string, cause: unknown): UsageError {
  return cause instanceof UsageError ? cause : new UsageError('PXU_ERR_STORE_UNAVAILABLE', message, { cause })
}

/** Returns the text with a full stop. Messages of the system, such as `connect ECONNREFUSED 127.0.0.1:443`, have none. */
export function asSentence(message: string): string {
  const text = message.trimEnd()
  return /[.!?]["')\]]?$/.test(text) ? text : `${text}.`
}

/** Returns the error of a failure. @param more a sentence to add, about failures that were not reported */
export function usageError(failure: Failure, more = ''): UsageError {
  const { code, message, cause } = failure
  const isMade = failure instanceof UsageError
  if (isMade && more === '') return failure
  const text = isMade ? message.replace(` See ${failure.help}`, '') : asSentence(message)
  return new UsageError(code, `${text}${more}`, cause === undefined ? {} : { cause })
}

/**
 * Returns the message of an error with the system's code of its cause (`EACCES`), which shows what to fix. A log may contain only the
 * message.
 */
export function textWithReason(error: unknown): string {
  const { message, cause } = (error ?? {}) as { message?: unknown; cause?: unknown }
  const text = String(message ?? error).replace(/ See https:\S+$/, '')
  const code = (cause as { code?: unknown } | null | undefined)?.code
  if (typeof code !== 'string' || text.includes(code)) return text
  return `${text.replace(/[.\s]+$/, '')} (${code}).`
}

/** Returns a value for a message: quoted, shortened, and on one line. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : shown(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** Inspects a value. An object of the app may throw when it is inspected, so its type is used then. */
function shown(value: unknown): string {
  try {
    return inspect(value, { breakLength: Number.POSITIVE_INFINITY, customInspect: false }).replaceAll(
      '\n',
      ' ',
    )
  } catch {
    return `of the type ${typeof value}`
  }
}
