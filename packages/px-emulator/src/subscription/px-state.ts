import { createEventTable, type EventTable } from '../columnar/event-table.ts'
import type { CustomEvent } from '../events/custom-event.ts'
import { createEventMemory, type EventMemory, rememberEvent } from '../events/event-memory.ts'
import type { Switches } from '../switches.ts'
import { type AttributeModel, createAttributeModel } from './attribute-model.ts'
import { accountKind, createMembers, type KeptMember, type Members, userKind } from './audience.ts'

/** The state of the emulated subscription. */
export interface PxState {
  readonly productKey: string
  /** Zone of the subscription. */
  timeZone: string
  readonly switches: Switches
  readonly events: EventTable
  readonly users: Members
  readonly accounts: Members
  /** Declared custom attributes. */
  readonly model: AttributeModel
  /** Declared event names. */
  readonly eventNames: ReadonlySet<string>
  /** Users whose events are accepted and discarded. */
  readonly denied: Set<string>
  memory: EventMemory
  store(event: CustomEvent, nowMs: number): void
  deny(userId: string, denied: boolean): void
  /** Removes events, users, accounts and the denylist. */
  reset(): void
}

/** A change that a storage directory keeps. */
export type StateRecord =
  | ['event', number, CustomEvent]
  | ['user' | 'account', string, KeptMember | null]
  | ['denied', string, boolean]

export interface StateSettings {
  productKey: string
  timeZone: string
  switches: Switches
  eventNames: readonly string[]
  /** Called with every change. */
  record(change: StateRecord): void
}

export function createPxState({
  productKey,
  timeZone,
  switches,
  eventNames,
  record,
}: StateSettings): PxState {
  const model = createAttributeModel()
  const members = (kind: 'user' | 'account') =>
    createMembers(kind === 'user' ? userKind : accountKind, {
      switches,
      model,
      changed: (id, kept) => record([kind, id, kept]),
    })
  return {
    productKey,
    timeZone,
    switches,
    events: createEventTable(),
    users: members('user'),
    accounts: members('account'),
    model,
    eventNames: new Set(eventNames),
    denied: new Set(),
    memory: createEventMemory(),
    store(event, nowMs) {
      this.events.push(event, nowMs)
      rememberEvent(this.memory, event, switches)
      record(['event', nowMs, event])
    },
    deny(userId, denied) {
      if (denied) this.denied.add(userId)
      else this.denied.delete(userId)
      record(['denied', userId, denied])
    },
    reset() {
      for (const known of [this.events, this.users, this.accounts, this.denied]) known.clear()
      this.memory = createEventMemory()
    },
  }
}

/** Applies a record of a storage directory. */
export function restoreRecord(state: PxState, record: StateRecord): void {
  switch (record[0]) {
    case 'event':
      state.events.push(record[2], record[1])
      rememberEvent(state.memory, record[2], state.switches)
      break
    case 'denied':
      if (record[2]) state.denied.add(record[1])
      else state.denied.delete(record[1])
      break
    default:
      state[record[0] === 'user' ? 'users' : 'accounts'].restore(record[1], record[2])
  }
}
