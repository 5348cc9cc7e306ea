import { createHash } from 'node:crypto'
import { detached } from '../model/detached-text.ts'
import type { Identity } from '../model/identity.ts'

/** What an app may answer: ids of databases are often numbers. */
export interface IdentityInput {
  userId: string | number | bigint
  /** `undefined`, `null` or an empty text: the user has none. */
  accountId?: string | number | bigint | null | undefined
}

/** Longer ids get a short form: PX's safe limit for a value is 1,024 characters (px-api, limits of custom events). */
const maxIdLength = 500
const shortFormHead = 400

/**
 * The identity in an answer of the app, its ids as text; `undefined` when the answer is none.
 *
 * Ids are not trimmed or normalised: two ids are the same only if they are the same text. An id over 500 characters, or
 * one that no JSON can carry, is replaced by up to 400 of its characters, a `~` and its SHA-256. A literal id that looks
 * like such a short form is replaced as well, so that the two cannot be taken for each other.
 */
export function usableIdentity(answer: unknown): Identity | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined
  if (stable.has(answer)) return answer as Identity
  const { userId: givenUser, accountId: givenAccount } = answer as Partial<IdentityInput>
  const userId = usableId(givenUser)
  if (userId === undefined) return undefined
  if (givenAccount === undefined || givenAccount === null || givenAccount === '') return { userId }
  const accountId = usableId(givenAccount)
  return accountId === undefined ? undefined : { userId, accountId }
}

/** Identities that were found usable before, and cannot have changed since, with the stray keys of what they were made of. */
const stable = new WeakMap<object, string | undefined>()

/** The keys in place of an `accountId`, see `strayKeys`. @param answer what `usableIdentity` could use */
export function keysWithoutAccount(answer: object): string | undefined {
  return stable.has(answer) ? stable.get(answer) : strayKeys(answer)
}

/** As `usableIdentity`, for an answer that is kept: when it is given again, the very same object is answered at once. */
export function stableIdentity(answer: unknown): Identity | undefined {
  const usable = usableIdentity(answer)
  if (usable === undefined) return undefined
  const { userId, accountId } = usable
  const identity: Identity = { userId: detached(userId) }
  if (accountId !== undefined) identity.accountId = detached(accountId)
  stable.set(Object.freeze(identity), keysWithoutAccount(answer as object))
  return identity
}

const shortForm = /~[0-9a-f]{64}$/
const leastShortForm = 65

/** The id of a user or an account that stands for all those beyond the limits; a literal id of that text is replaced. */
export const overflowId = '(overflow)'

function usableId(given: unknown): string | undefined {
  const id = typeof given === 'bigint' ? String(given) : given
  if (typeof id === 'number') return Number.isFinite(id) ? String(id) : undefined
  if (typeof id !== 'string' || id === '') return undefined
  const mayBeShortForm = id.length >= leastShortForm && (id.length > maxIdLength || shortForm.test(id))
  if (!mayBeShortForm && id.isWellFormed() && id !== overflowId) return id
  // Hashed as UTF-16, so that ids which differ only in a lone surrogate stay apart although no JSON can carry one.
  const digest = createHash('sha256').update(Buffer.from(id, 'utf16le')).digest('hex')
  return `${id.slice(0, shortFormHead).toWellFormed()}~${digest}`
}

/** Longer names are most likely no names: a map that is kept by token has tokens for keys. */
const maxNameLength = 30
const maxNames = 8
const identifier = /^[\w$]+$/

/**
 * What is wrong with a value that is no identity, as the object of "identify() returned ...". Names keys and types, never
 * a value: what an app gives may be personal or secret. Never throws.
 */
export function identityFault(answer: unknown): string {
  try {
    if (typeof answer !== 'object' || answer === null) return `a value of type ${typeName(answer)}`
    if (Array.isArray(answer)) return 'an array'
    if (!('userId' in answer)) return `an object without userId (its keys: ${keysOf(answer)})`
    const { userId, accountId } = answer as { userId: unknown; accountId?: unknown }
    return partFault('userId', userId) ?? partFault('accountId', accountId) ?? 'an object that changes'
  } catch {
    return 'an object that cannot be read'
  }
}

function partFault(part: 'userId' | 'accountId', value: unknown): string | undefined {
  if (part === 'userId' && value === '') return 'an empty userId'
  if (typeof value === 'string' || typeof value === 'bigint') return undefined
  if (part === 'accountId' && (value === undefined || value === null)) return undefined
  if (typeof value !== 'number') return `${articleOf(part)} ${part} of type ${typeName(value)}`
  return Number.isFinite(value) ? undefined : `${articleOf(part)} ${part} that is no finite number`
}

/**
 * The keys of an identity that has no `accountId` but something else, such as `account`: its calls would silently count
 * without an account. An identity that has both ids may have more columns of a database.
 */
function strayKeys(identity: object): string | undefined {
  if ('accountId' in identity) return undefined
  const isOnlyUser = Object.keys(identity).every((key) => key === 'userId')
  return isOnlyUser ? undefined : keysOf(identity)
}

function articleOf(part: string): string {
  return part === 'accountId' ? 'an' : 'a'
}

/** Of an object the name of its class. */
function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  const name: unknown = value.constructor?.name
  const isName = typeof name === 'string' && name.length <= maxNameLength && identifier.test(name)
  return isName ? name : 'object'
}

function keysOf(answer: object): string {
  const keys = Object.keys(answer)
  if (keys.length === 0) return 'none'
  const names = keys
    .slice(0, maxNames)
    .map((key) => (key.length <= maxNameLength ? key : `one of ${key.length} characters`))
    .map((key) => key.replace(/[\p{Cc}\s]+/gu, ' '))
  return names.join(', ') + (keys.length > maxNames ? ` and ${keys.length - maxNames} more` : '')
}
