import type { Diagnostics } from '../diagnostics.ts'
import type { Notes } from '../files/note.ts'
import type { ClaimedLine } from '../model/outbox-line.ts'
import { type DeliveryResult, type PxAnswer, reasonOf, resultOf } from '../px/delivery-result.ts'
import type { Permit } from '../px/permit.ts'
import type { PxClient } from '../px/px-client.ts'
import { createAttributeOrder, memberKey } from './attribute-order.ts'
import { attributesOf, createRequest, isDuplicate, isUnknownMember, updateRequest } from './px-attributes.ts'
import { isRunning } from './running-attributes.ts'

/** What became of the lines that set attributes. Each counts as delivered. */
export interface AttributeStats {
  put: number
  /** Users and accounts that PX did not know and that were made (`createMissing`). */
  created: number
  /** Lines of users and accounts that PX does not know: nothing was put. */
  missing: number
  /** Lines of a day older than the one put last. */
  superseded: number
}

export interface AttributePutter {
  /** Puts one line. A repetition does no harm: the value is the same. */
  send(line: ClaimedLine): Promise<DeliveryResult>
  stats(): AttributeStats
}

export interface AttributePutterSettings {
  client: Pick<PxClient, 'request'>
  /** Asked before a second request for the same line. */
  acquire(): Promise<Permit>
  store: Notes
  diagnostics: Diagnostics
  now(): number
  createMissing: boolean
  /** PX took something from this process, so the address is right. */
  isAddressRight(): boolean
}

const done: DeliveryResult = { outcome: 'delivered' }
/** So many members are told as missing, each once. */
const maxTold = 10_000

/** Sets attributes of users and accounts in PX. Never makes one unless asked to, and never deletes. */
export function createAttributePutter(settings: AttributePutterSettings): AttributePutter {
  const { client, acquire, diagnostics, now, createMissing, isAddressRight } = settings
  const order = createAttributeOrder(settings.store)
  const told = new Set<string>()
  const stats: AttributeStats = { put: 0, created: 0, missing: 0, superseded: 0 }
  let hasPut = false

  async function put(line: ClaimedLine): Promise<DeliveryResult> {
    const answer = await client.request(updateRequest(line))
    if (isTaken(answer)) {
      hasPut = true
      stats.put += 1
      return done
    }
    if (!answer.answered) return resultOf(answer, now())
    const { status, body } = answer
    const isMissing = isUnknownMember(status, body) || (status === 404 && (hasPut || isAddressRight()))
    if (isMissing) return createMissing ? create(line) : missing(line)
    // Perhaps a wrong address, perhaps one that PX does not know: others may tell.
    if (status === 404) return { outcome: 'unconfirmed', reason: reasonOf(answer) }
    return resultOf(answer, now())
  }

  async function create(line: ClaimedLine): Promise<DeliveryResult> {
    if ((await acquire()) !== 'go') return { outcome: 'unconfirmed', reason: 'No request may be made now.' }
    const answer = await client.request(createRequest(line))
    if (isTaken(answer)) {
      hasPut = true
      stats.created += 1
      return done
    }
    // Somebody else made it meanwhile; the next attempt puts.
    if (answer.answered && isDuplicate(answer.status, answer.body)) {
      return { outcome: 'unconfirmed', reason: reasonOf(answer) }
    }
    return resultOf(answer, now())
  }

  function missing(line: ClaimedLine): DeliveryResult {
    const { kind, id } = attributesOf(line)
    stats.missing += 1
    const key = memberKey(kind, id)
    if (told.has(key)) return done
    if (told.size < maxTold) told.add(key)
    diagnostics.publish('delivery:missing', { kind, id })
    diagnostics.warn(
      'PXU_WRN_DELIVERY_MISSING',
      'PX does not know some users or accounts whose attributes are to be set, so nothing is set for them (stats().delivery.attributes.missing). Let them appear in PX first, or set attributes.createMissing.',
    )
    return done
  }

  async function sendInTurn(line: ClaimedLine, key: string): Promise<DeliveryResult> {
    const isSuperseded = await order.isSuperseded(key, line.day)
    if (isSuperseded) stats.superseded += 1
    else await order.putting(key, line.day)
    const result = isSuperseded ? done : await put(line)
    if (result.outcome === 'delivered') order.ended(key, line.id)
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

/** PX documents 204 for PUT and 201 for POST. A page of a proxy is no answer of PX. */
function isTaken(answer: PxAnswer): boolean {
  return answer.answered && answer.status >= 200 && answer.status < 300 && !/^\s*</.test(answer.body)
}
