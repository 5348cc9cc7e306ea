import { createHash } from 'node:crypto'
import { detached } from '../model/detached-text.ts'
import type { Identity } from '../model/identity.ts'

/** The identity that an app returns. Numbers are accepted, because ids of databases often are numbers. */
export interface IdentityInput {
  userId: string | number | bigint
  /** `undefined`, `null` or an empty text if the user has no account. */
  accountId?: string | number | bigint | null | undefined
}

/** Longer ids are shortened: PX's safe limit for a value is 1,024 characters (px-api, limits of custom events). */
const maxIdLength = 500
const shortFormHead = 400

/**
 * Returns the identity in a result of the app, with its ids as text; `undefined` if the result is invalid.
 *
 * Ids are not trimmed or normalised: two ids are equal only if their texts are equal. An id of more than 500 characters, or
 * one that JSON cannot carry, is replaced by up to 400 of its characters, a `~` and its SHA-256. A literal id that looks
 * like such a short form is replaced as well, so that the two cannot be confused.
 */
export function usableIdentity(result: unknown): Identity | undefined {
  if (typeof result !== 'object' || result === null) return undefined
  if (stable.has(result)) return result as Identity
  const { userId: givenUser, accountId: givenAccount } = result as Partial<IdentityInput>
  const userId = usableId(givenUser)
  if (userId === undefined) return undefined
  if (givenAccount === undefined || givenAccount === null || givenAccount === '') return { userId }
  const accountId = usableId(givenAccount)
  return accountId === undefined ? undefined : { userId, accountId }
}

/** Frozen identities that were checked before, with the stray keys of the objects from which they were created. */
const stable = new WeakMap<object, string | undefined>()

/** Returns the keys in place of an `accountId`, see `strayKeys`. @param identity an object that `usableIdentity` accepted */
export function keysWithoutAccount(identity: object): string | undefined {
  return stable.has(identity) ? stable.get(identity) : strayKeys(identity)
}

/** Like `usableIdentity`, for a result that is cached: `usableIdentity` later returns the same object without checks. */
export function stableIdentity(result: unknown): Identity | undefined {
  const usable = usableIdentity(result)
  if (usable === undefined) return undefined
  const { userId, accountId } = usable
  const identity: Identity = { userId: detached(userId) }
  if (accountId !== undefined) identity.accountId = detached(accountId)
  stable.set(Object.freeze(identity), keysWithoutAccount(result as object))
  return identity
}

const shortForm = /~[0-9a-f]{64}$/
const leastShortForm = 65

/** The id of the user or account that replaces all those beyond the limits. A literal id of that text is replaced. */
export const overflowId = '(overflow)'

/**
 * Returns an id as text, if `usableIdentity` would return the same text for it or the id has a lone surrogate; otherwise `undefined`.
 * It costs less than the whole check, which an id needs only when it is counted for the first time.
 */
export function plainId(given: unknown): string | undefined {
  const id = typeof given === 'number' && Number.isFinite(given) ? String(given) : given
  if (typeof id !== 'string' || id === '') return undefined
  return id.length < leastShortForm && id !== overflowId ? id : undefined
}

function usableId(given: unknown): string | undefined {
  const id = typeof given === 'bigint' ? String(given) : given
  if (typeof id === 'number') return Number.isFinite(id) ? String(id) : undefined
  if (typeof id !== 'string' || id === '') return undefined
  const mayBeShortForm = id.length >= leastShortForm && (id.length > maxIdLength || shortForm.test(id))
  if (!mayBeShortForm && id.isWellFormed() && id !== overflowId) return id
  // Hashed as UTF-16, so that ids which differ only in a lone surrogate get different digests.
  const digest = createHash('sha256').update(Buffer.from(id, 'utf16le')).digest('hex')
  return `${id.slice(0, shortFormHead).toWellFormed()}~${digest}`
}

/** Longer keys are most likely not names: the keys of a map of tokens are tokens. */
const maxNameLength = 30
const maxNames = 8
const identifier = /^[\w$]+$/

/**
 * Describes what is wrong with an invalid identity, as the object of "identify() returned ...". It names keys and types, never
 * values, which may be personal or secret. Never throws.
 */
export function identityFault(result: unknown): string {
  try {
    if (typeof result !== 'object' || result === null) return `a value of type ${typeName(result)}`
    if (Array.isArray(result)) return 'an array'
    if (!('userId' in result)) return `an object without userId (its keys: ${keysOf(result)})`
    const { userId, accountId } = result as { userId: unknown; accountId?: unknown }
    return idFault('userId', userId) ?? idFault('accountId', accountId) ?? 'an object that changes'
  } catch {
    return 'an object that cannot be read'
  }
}

function idFault(name: 'userId' | 'accountId', value: unknown): string | undefined {
  if (name === 'userId' && value === '') return 'an empty userId'
  if (typeof value === 'string' || typeof value === 'bigint') return undefined
  if (name === 'accountId' && (value === undefined || value === null)) return undefined
  if (typeof value !== 'number') return `${articleOf(name)} ${name} of type ${typeName(value)}`
  return Number.isFinite(value) ? undefined : `${articleOf(name)} ${name} that is not a finite number`
}

/**
 * Returns the keys of an identity without `accountId` that has other keys, such as `account`: its calls would silently count
 * without an account. An identity with both ids may have any further keys, such as columns of a database.
 */
function strayKeys(identity: object): string | undefined {
  if ('accountId' in identity) return undefined
  const isOnlyUser = Object.keys(identity).every((key) => key === 'userId')
  return isOnlyUser ? undefined : keysOf(identity)
}

function articleOf(name: string): string {
  return name === 'accountId' ? 'an' : 'a'
}

/** Returns the type of a value; for an object the name of its class. */
function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  const name: unknown = value.constructor?.name
  const isName = typeof name === 'string' && name.length <= maxNameLength && identifier.test(name)
  return isName ? name : 'object'
}

function keysOf(result: object): string {
  const keys = Object.keys(result)
  if (keys.length === 0) return 'none'
  const names = keys
    .slice(0, maxNames)
    .map((key) => (key.length <= maxNameLength ? key : `a key of ${key.length} characters`))
    .map((key) => key.replace(/[\p{Cc}\s]+/gu, ' '))
  return names.join(', ') + (keys.length > maxNames ? ` and ${keys.length - maxNames} more` : '')
}
