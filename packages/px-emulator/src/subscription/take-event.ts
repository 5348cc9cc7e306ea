import { maxEventNames, withinLimits } from '../events/attribute-limits.ts'
import { type CustomEvent, customEvent } from '../events/custom-event.ts'
import { PxError } from '../px-error.ts'
import type { PxState } from './px-state.ts'

const dayMs = 86_400_000

/**
 * Checks the body of `POST /v1/events/custom`, and stores the event unless a switch says otherwise.
 *
 * @returns the stored event, or `undefined` if it was dropped silently
 * @throws {PxError} 400
 */
export function takeEvent(state: PxState, body: unknown, nowMs: number): CustomEvent | undefined {
  const { switches, memory, denied } = state
  const { missingDate, eventId, limits } = switches
  const given = customEvent(body, { nowMs, missingDate, keepsId: eventId !== 'replace' })
  const isNewName = memory.names.size >= maxEventNames && !memory.names.has(given.eventName)
  const limited = withinLimits(given.eventName, given.attributes, isNewName, limits)
  if (limited === undefined) return undefined
  const event: CustomEvent = { ...given, ...limited }
  if (verdicts(state, event, nowMs).includes('drop') || denied.has(event.identifyId)) return undefined
  if (eventId === 'deduplicate' && memory.ids.has(event.eventId)) return undefined
  if (isOverDailyLimit(state, event)) return undefined
  if (switches.attributeType === 'first') event.attributes = ofFirstType(memory.types, event)
  appear(state, event, nowMs)
  state.store(event, nowMs)
  return event
}

/** Returns the verdicts of the switches on this event. @throws {PxError} 400 if one of them refuses it */
function verdicts(state: PxState, event: CustomEvent, nowMs: number): string[] {
  const { switches, users, accounts, eventNames } = state
  const { oldestEventDays: oldest, newestEventDays: newest } = switches
  const days = Math.floor(event.date / dayMs) - Math.floor(nowMs / dayMs)
  const found: [verdict: string, what: string][] = []
  if (!users.has(event.identifyId)) found.push([switches.unknownUser, `User ${event.identifyId}`])
  if (event.accountId !== undefined && !accounts.has(event.accountId)) {
    found.push([switches.unknownAccount, `Account ${event.accountId}`])
  }
  if (event.propertyKey !== state.productKey) found.push([switches.unknownProductKey, 'Product key'])
  if (!eventNames.has(event.eventName)) found.push([switches.undeclaredEvent, `Event ${event.eventName}`])
  if ((oldest !== null && -days > oldest) || (newest !== null && days > newest)) {
    found.push([switches.dateOutOfRange, `A date at ${days} days from today`])
  }
  const refused = found.find(([verdict]) => verdict === 'refuse')
  if (refused !== undefined) throw new PxError(400, `${refused[1]} is not known to this subscription`)
  return found.map(([verdict]) => verdict)
}

function isOverDailyLimit({ switches, memory }: PxState, event: CustomEvent): boolean {
  if (switches.eventsPerUserDay === null) return false
  const users = memory.perUserDay.get(Math.floor(event.date / dayMs))
  return (users?.get(event.identifyId) ?? 0) >= switches.eventsPerUserDay
}

function ofFirstType(
  types: Map<string, string>,
  { eventName, attributes }: CustomEvent,
): Record<string, unknown> {
  const kept = Object.entries(attributes).filter(([name, value]) => {
    const first = types.get(JSON.stringify([eventName, name]))
    return first === undefined || first === typeof value
  })
  return Object.fromEntries(kept)
}

/** Restores a removed user or account that the event names. An unknown one is created where a switch says so. */
function appear({ users, accounts, switches }: PxState, event: CustomEvent, nowMs: number): void {
  const { identifyId, accountId, propertyKey } = event
  const propertyKeys = [propertyKey]
  const user = accountId === undefined ? { propertyKeys } : { propertyKeys, accountId }
  users.appear(identifyId, nowMs, switches.unknownUser === 'create' ? user : undefined)
  if (accountId === undefined) return
  const account = { propertyKeys, name: accountId }
  accounts.appear(accountId, nowMs, switches.unknownAccount === 'create' ? account : undefined)
}
