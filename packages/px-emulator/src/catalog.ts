import type { CustomEvent } from './custom-event.ts'

/** What a chart can be made of: of each event name, the attributes that hold numbers and those that group. */
export interface Catalog {
  events: number
  names: { name: string; numbers: string[]; groups: string[] }[]
}

const maxNames = 200
const maxAttributes = 100

/** Keeps the catalog of a growing list of events, looking at each event once. */
export function createCatalog(events: readonly CustomEvent[]): () => Catalog {
  let seen = 0
  let names = new Map<string, { numbers: Set<string>; groups: Set<string> }>()
  return () => {
    if (events.length < seen) {
      seen = 0
      names = new Map()
    }
    for (; seen < events.length; seen += 1) {
      const { eventName, attributes } = events[seen]!
      const known = names.get(eventName) ?? { numbers: new Set(), groups: new Set() }
      if (names.size < maxNames) names.set(eventName, known)
      for (const [name, value] of Object.entries(attributes)) {
        const kind = typeof value === 'number' ? known.numbers : known.groups
        if (kind.size < maxAttributes) kind.add(name)
      }
    }
    return {
      events: events.length,
      names: [...names].map(([name, { numbers, groups }]) => ({
        name,
        numbers: [...numbers],
        groups: [...groups],
      })),
    }
  }
}
