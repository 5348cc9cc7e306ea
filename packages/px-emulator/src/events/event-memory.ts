import type { Switches } from '../switches.ts'
import type { CustomEvent } from './custom-event.ts'

const dayMs = 86_400_000

/** What the emulator remembers of stored events in order to check later ones. */
export interface EventMemory {
  names: Set<string>
  /** The type of the first value of each event name and attribute. */
  types: Map<string, string>
  ids: Set<string>
  /** The number of events of each user, by day since 1970-01-01. */
  perUserDay: Map<number, Map<string, number>>
}

export function createEventMemory(): EventMemory {
  return { names: new Set(), types: new Map(), ids: new Set(), perUserDay: new Map() }
}

/** Adds an event to the memory. Only switches that are on cost memory. */
export function rememberEvent(memory: EventMemory, event: CustomEvent, switches: Readonly<Switches>): void {
  memory.names.add(event.eventName)
  for (const [name, value] of Object.entries(switches.attributeType === 'first' ? event.attributes : {})) {
    const key = JSON.stringify([event.eventName, name])
    if (!memory.types.has(key)) memory.types.set(key, typeof value)
  }
  if (switches.eventId === 'deduplicate') memory.ids.add(event.eventId)
  if (switches.eventsPerUserDay === null) return
  const day = Math.floor(event.date / dayMs)
  const users = memory.perUserDay.get(day) ?? new Map<string, number>()
  memory.perUserDay.set(day, users.set(event.identifyId, (users.get(event.identifyId) ?? 0) + 1))
}
