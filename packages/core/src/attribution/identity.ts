import { createHash } from 'node:crypto'
import type { Identity } from '../model/identity.ts'
import { detached } from './detached-text.ts'
import { strayKeys } from './identity-fault.ts'

/** What an app may answer: ids of databases are often numbers. */
export interface GivenIdentity {
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
  const { userId: givenUser, accountId: givenAccount } = answer as Partial<GivenIdentity>
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
