import type { Addition } from '../day/close-day.ts'
import type { Rollup } from '../day/rollup.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'
import type { PxRequest } from '../px/px-client.ts'
import { type AttributeNames, type AttributeValues, createAttributeSums } from './attribute-values.ts'

/**
 * The body of `PUT /v1/users/update` and `PUT /v1/accounts/update` (px-apidocs.gainsight.com). What is not in it stays as it is in
 * PX: its own data loader puts only what it has.
 */
interface PxMember {
  /** Of a user. */
  identifyId?: string
  /** Of an account. */
  id?: string
  propertyKeys: string[]
  /** By API name. PX lets nobody declare an attribute but its own user interface. */
  customAttributes: Record<string, number>
}

/** Freezes what attributes take of a day. */
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

/** The lines that a closed day adds for attributes. */
export function attributeAddition(settings: {
  names: AttributeNames
  rollups: readonly Rollup[]
  day: UsageDay
  timeZone: string
  productKey: string
}): Addition {
  const sums = createAttributeSums({ ...settings, namespace: settings.productKey })
  return {
    see: sums.see,
    *lines() {
      for (const values of sums.values()) yield attributeLine(values, settings.productKey)
    },
  }
}

/** What a line sets, by API name, and for whom. */
export interface DeliveredAttributes {
  kind: 'user' | 'account'
  id: string
  values: Readonly<Record<string, number>>
}

/** @param line of the kind `user` or `account` */
export function attributesOf({ kind, body }: OutboxLine): DeliveredAttributes {
  const { identifyId, id, customAttributes } = JSON.parse(body) as PxMember
  return kind === 'user'
    ? { kind, id: identifyId as string, values: customAttributes }
    : { kind: 'account', id: id as string, values: customAttributes }
}

/** Ids that can stand in a path as they are. PX says nothing of encoded ones, and its own clients encode none. */
const pathId = /^[\w@~-][\w.@~-]*$/
/** What stands in this place for something else. */
const words: ReadonlySet<string> = new Set(['update', 'delete', 'denylist'])

export function updateRequest(line: OutboxLine): PxRequest {
  const { kind, id } = attributesOf(line)
  const place = pathId.test(id) && !words.has(id) ? id : 'update'
  return { method: 'PUT', path: `/v1/${kind}s/${place}`, body: line.body }
}

/** An account must have a name, and its id is all that is known. */
export function createRequest(line: OutboxLine): PxRequest {
  const { kind, id } = attributesOf(line)
  const member = JSON.parse(line.body) as PxMember
  const body = JSON.stringify(kind === 'account' ? { ...member, name: id } : member)
  return { method: 'POST', path: `/v1/${kind}s`, body }
}

/** Whether PX says that it does not have the one it was asked for; elsewhere on the way a 404 has no such body. */
export function isUnknownMember(status: number, body: string): boolean {
  if (status !== 404 && status !== 400) return false
  return /\bnot found\b/i.test(messageOf(body))
}

/** Whether PX says that it has one of this id already. */
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
