import { type Diagnostics, ReportedSubjects } from '../diagnostics.ts'
import type { Notes } from '../files/note.ts'
import type { ClaimedLine } from '../model/outbox-line.ts'
import { type DeliveryResult, type PxResponse, reasonOf, resultOf } from '../px/delivery-result.ts'
import type { Permit } from '../px/permit.ts'
import type { PxClient } from '../px/px-client.ts'
import { createAttributeOrder, memberKey } from './attribute-order.ts'
import { attributesOf, createRequest, isDuplicate, isUnknownMember, updateRequest } from './px-attributes.ts'
import { isRunning } from './running-attributes.ts'

/** The numbers of attribute lines by result. Each of these lines counts as delivered. */
export interface AttributeStats {
  /** Lines whose values PX has taken. */
  put: number
  /** Users and accounts that PX did not know and that px-usage created (`createMissing`). */
  created: number
  /** Lines of users and accounts that PX does not know. Nothing was set. */
  missing: number
  /** Lines of a day older than the last one that was set. Nothing was set. */
  superseded: number
}

/** Sends the lines that set attributes. */
export interface AttributePutter {
  /** Sends one line. Sending it again is harmless, because it sets the same value. */
  send(line: ClaimedLine): Promise<DeliveryResult>
  stats(): AttributeStats
}

/** The settings of `createAttributePutter()`. */
export interface AttributePutterSettings {
  client: Pick<PxClient, 'request'>
  /** Called before a second request for the same line. */
  acquire(): Promise<Permit>
  store: Notes
  diagnostics: Diagnostics
  now(): number
  createMissing: boolean
  /** Returns whether PX has accepted a request of this process, which proves that the address is right. */
  isAddressRight(): boolean
}

const done: DeliveryResult = { outcome: 'delivered' }
const missing: DeliveryResult = { outcome: 'skipped', reason: 'PX does not know the user or account.' }
const superseded: DeliveryResult = { outcome: 'skipped', reason: 'PX has the value of a later day.' }
/** The most missing members that are remembered, so that each is published once. */
const maxReported = 10_000

/** Creates the sender of attribute lines. It creates users and accounts in PX only with `createMissing`, and never deletes any. */
export function createAttributePutter(settings: AttributePutterSettings): AttributePutter {
  const { client, acquire, diagnostics, now, createMissing, isAddressRight } = settings
  const order = createAttributeOrder(settings.store)
  const reported = new ReportedSubjects(maxReported)
  const stats: AttributeStats = { put: 0, created: 0, missing: 0, superseded: 0 }
  let hasPut = false

  async function put(line: ClaimedLine): Promise<DeliveryResult> {
    const response = await client.request(updateRequest(line))
    if (isTaken(response)) {
      hasPut = true
      stats.put += 1
      return done
    }
    if (!response.received) return resultOf(response, now())
    const { status, body } = response
    const isMissing = isUnknownMember(status, body) || (status === 404 && (hasPut || isAddressRight()))
    if (isMissing) return createMissing ? create(line) : skipMissing(line)
    // The address may be wrong, or PX may not know the member. Other lines will show which, so the line is sent again later.
    if (status === 404) return { outcome: 'unconfirmed', reason: reasonOf(response) }
    return resultOf(response, now())
  }

  async function create(line: ClaimedLine): Promise<DeliveryResult> {
    if ((await acquire()) !== 'granted')
      return { outcome: 'unconfirmed', reason: 'No request may be made now.' }
    const response = await client.request(createRequest(line))
    if (isTaken(response)) {
      hasPut = true
      stats.created += 1
      return done
    }
    // Another process or client has created the member meanwhile. The next attempt sets its values.
    if (response.received && isDuplicate(response.status, response.body)) {
      return { outcome: 'unconfirmed', reason: reasonOf(response) }
    }
    return resultOf(response, now())
  }

  function skipMissing(line: ClaimedLine): DeliveryResult {
    const { kind, id } = attributesOf(line)
    stats.missing += 1
    const key = memberKey(kind, id)
    if (!reported.add(key)) return missing
    diagnostics.publish('delivery:missing', { kind, id })
    diagnostics.warn(
      'PXU_WRN_DELIVERY_MISSING',
      'PX does not know some users or accounts, so their attributes are not set (stats().delivery.attributes.missing counts them). Let them appear in PX first, or set attributes.createMissing to create them.',
    )
    return missing
  }

  async function sendInTurn(line: ClaimedLine, key: string): Promise<DeliveryResult> {
    const isSuperseded = await order.isSuperseded(key, line.day)
    if (isSuperseded) stats.superseded += 1
    else await order.putting(key, line.day)
    const result = isSuperseded ? superseded : await put(line)
    if (result.outcome === 'delivered' || result.outcome === 'skipped') order.ended(key, line.id)
    else if (result.outcome !== 'stopped' && result.outcome !== 'retryable') await order.waits(key, line.id)
    return result
  }

  return {
    send(line) {
      const { kind, id } = attributesOf(line)
      const key = memberKey(kind, id) + (isRunning(line) ? ' running' : '')
      return order.inTurn(key, () => sendInTurn(line, key))
    },
    stats: () => ({ ...stats }),
  }
}

/** Returns whether PX accepted the request. PX documents 204 for PUT and 201 for POST. An HTML page comes from a proxy, not from PX. */
function isTaken(response: PxResponse): boolean {
  return response.received && response.status >= 200 && response.status < 300 && !/^\s*</.test(response.body)
}
