import type { Addition } from '../day/close-day.ts'
import type { Rollup } from '../day/rollup.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'
import type { PxRequest } from '../px/px-client.ts'
import { type AttributeNames, type AttributeValues, createAttributeSums } from './attribute-values.ts'

/**
 * The body of `PUT /v1/users/update` and `PUT /v1/accounts/update` (px-apidocs.gainsight.com). Fields that it lacks keep their values
 * in PX.
 */
interface PxMember {
  /** The id of a user. */
  identifyId?: string
  /** The id of an account. */
  id?: string
  propertyKeys: string[]
  /** Values by API name. An attribute must be declared in PX's user interface first. */
  customAttributes: Record<string, number>
}

/** Returns the outbox line that sets the attributes of one user or account. */
export function attributeLine(
  { kind, id, day, values, lineId }: AttributeValues,
  productKey: string,
): OutboxLine {
  const member: PxMember = {
    ...(kind === 'user' ? { identifyId: id } : { id }),
    propertyKeys: [productKey],
    customAttributes: { ...values },
  }
  return { id: lineId, day, kind, rank: 'total', body: JSON.stringify(member), calls: 0 }
}

/** Returns the addition to a closing day that creates its attribute lines; none if no attributes are named. */
export function attributeAdditions(settings: {
  names: AttributeNames
  rollups: readonly Rollup[]
  day: UsageDay
  timeZone: string
  productKey: string
}): Addition[] {
  const { names, productKey } = settings
  if (Object.keys({ ...names.user, ...names.account }).length === 0) return []
  const sums = createAttributeSums({ ...settings, namespace: productKey })
  const lines = function* () {
    for (const values of sums.values()) yield attributeLine(values, productKey)
  }
  return [{ see: sums.see, lines }]
}

/** The user or account of an attribute line, and the values that it sets, by API name. */
export interface DeliveredAttributes {
  kind: 'user' | 'account'
  id: string
  values: Readonly<Record<string, number>>
}

/** Reads the attributes of a line from its body. @param line of the kind `user` or `account` */
export function attributesOf({ kind, body }: OutboxLine): DeliveredAttributes {
  const { identifyId, id, customAttributes } = JSON.parse(body) as PxMember
  return kind === 'user'
    ? { kind, id: identifyId as string, values: customAttributes }
    : { kind: 'account', id: id as string, values: customAttributes }
}

/** Matches ids that can be used in a path without encoding. PX does not document encoded ids, and its own clients encode none. */
const pathId = /^[\w@~-][\w.@~-]*$/
/** Words with another meaning in place of the id. */
const words: ReadonlySet<string> = new Set(['update', 'delete', 'denylist'])

/** Returns the request that sets the attributes of a line. An id that cannot be used in the path is sent in the body only. */
export function updateRequest(line: OutboxLine): PxRequest {
  const { kind, id } = attributesOf(line)
  const place = pathId.test(id) && !words.has(id) ? id : 'update'
  return { method: 'PUT', path: `/v1/${kind}s/${place}`, body: line.body }
}

/** Returns the request that creates the member of a line. An account must have a name, so its id becomes its name. */
export function createRequest(line: OutboxLine): PxRequest {
  const { kind, id } = attributesOf(line)
  const member = JSON.parse(line.body) as PxMember
  const body = JSON.stringify(kind === 'account' ? { ...member, name: id } : member)
  return { method: 'POST', path: `/v1/${kind}s`, body }
}

/** Returns whether PX says that it does not know the member. A 404 from another server has no such body. */
export function isUnknownMember(status: number, body: string): boolean {
  if (status !== 404 && status !== 400) return false
  return /\bnot found\b/i.test(messageOf(body))
}

/** Returns whether PX says that a member with this id exists already. */
export function isDuplicate(status: number, body: string): boolean {
  return status === 400 && /duplicate|already exist|exists already/i.test(messageOf(body))
}

function messageOf(body: string): string {
  try {
    const { externalapierror } = JSON.parse(body) as { externalapierror?: { message?: unknown } }
    return String(externalapierror?.message ?? '')
  } catch {
    return ''
  }
}
