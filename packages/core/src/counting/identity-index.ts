import { detached } from '../model/detached-text.ts'
import type { Identity } from '../model/identity.ts'

/** Numbers identities from 0, in the order in which they were first seen. */
export interface IdentityIndex {
  readonly size: number
  /** Returns the number of an identity, -1 if it has none yet. Allocates nothing. */
  find(userId: string, accountId: string | undefined): number
  /** Adds an identity that has no number yet. @returns its number */
  make(identity: Identity): number
  at(number: number): Identity
}

/** Number of Maps for many users. One Map that doubles copies itself, which takes tens of milliseconds at a million users; 64 small ones take less than one. */
const parts = 64
/** So many users are in one Map, whose head stays in the caches of the processor while it serves requests. Measured: 1 ms to distribute them. */
const mostInOne = 4_096

type ByAccount = Map<string | undefined, number>

/** Creates an empty index. */
export function createIdentityIndex(): IdentityIndex {
  /** By user id: the number of the identity, or one for each account if the user id exists in several. */
  let users = [new Map<string, number | ByAccount>()]
  const accounts = Array.from({ length: parts }, () => new Map<string, string>())
  const userIds: string[] = []
  const accountIds: Array<string | undefined> = []

  /** Returns the same text object for all users of an account, so that it is stored once. */
  function ownAccount(accountId: string): string {
    const part = partOf('', accountId)
    const known = accounts[part] as Map<string, string>
    let own = known.get(accountId)
    if (own === undefined) {
      own = detached(accountId)
      known.set(own, own)
    }
    return own
  }

  function usersWith(userId: string, accountId: string | undefined): Map<string, number | ByAccount> {
    const part = users.length === 1 ? 0 : partOf(userId, accountId)
    return users[part] as Map<string, number | ByAccount>
  }

  function put(number: number): void {
    const userId = userIds[number] as string
    const accountId = accountIds[number]
    const known = usersWith(userId, accountId)
    const found = known.get(userId)
    if (found === undefined) known.set(userId, number)
    else if (typeof found === 'object') found.set(accountId, number)
    else known.set(userId, new Map([[accountIds[found], found]]).set(accountId, number))
  }

  function distribute(): void {
    users = Array.from({ length: parts }, () => new Map())
    for (let number = 0; number < userIds.length; number++) put(number)
  }

  return {
    get size() {
      return userIds.length
    },
    find(userId, accountId) {
      const found = usersWith(userId, accountId).get(userId)
      if (found === undefined) return -1
      if (typeof found === 'number') return accountIds[found] === accountId ? found : -1
      return found.get(accountId) ?? -1
    },
    make(identity) {
      if (userIds.length === mostInOne) distribute()
      const number = userIds.length
      userIds.push(detached(identity.userId))
      accountIds.push(identity.accountId === undefined ? undefined : ownAccount(identity.accountId))
      put(number)
      return number
    },
    at(number) {
      const userId = userIds[number] as string
      const accountId = accountIds[number]
      return accountId === undefined ? { userId } : { userId, accountId }
    },
  }
}

/** Distributes ids by their last characters, in which they differ most. A bad distribution costs time, nothing else. */
function partOf(userId: string, accountId: string | undefined): number {
  const hash = tailHash(userId)
  return (accountId === undefined ? hash : hash ^ Math.imul(tailHash(accountId), 7)) & (parts - 1)
}

function tailHash(text: string): number {
  const { length } = text
  if (length < 3) return length === 0 ? 0 : text.charCodeAt(length - 1)
  const last = text.charCodeAt(length - 1) + 10 * text.charCodeAt(length - 2)
  return last + 100 * text.charCodeAt(length - 3)
}
