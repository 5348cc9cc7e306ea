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
export function strayKeys(identity: object): string | undefined {
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
