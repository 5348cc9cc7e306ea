import { rollupIdOf, userIdOf } from '@px-usage/core/adapter'
import { IdTable } from '../audit/id-table.ts'

/** What would become of the events of one name if something was left out of them. */
interface Saving {
  readonly eventName: string
  /** What to change, in words. */
  readonly change: string
  /** Events of the day that are saved. */
  readonly saved: number
}

/** What makes the events of one name on one day. */
export interface EventSource {
  readonly eventName: string
  readonly events: number
  readonly identities: number
  readonly savings: readonly Saving[]
}

/** Attributes that are the same for all events of a day, or that no one counts. */
const fixed: ReadonlySet<string> = new Set(['timestamp', 'day', 'timezone', 'rollupid', 'revision'])

/** Counts which property, endpoint or identity makes the events of one name. It keeps about 50 bytes for each combination. */
export class EventSources {
  readonly #eventName: string
  readonly #identities = new IdTable()
  readonly #all = new IdTable()
  /** Combinations that remain without one attribute, by its name. */
  readonly #without = new Map<string, IdTable>()
  #events = 0

  constructor(eventName: string) {
    this.#eventName = eventName
  }

  /** Adds an event of PX. One that px-usage did not send is left out. */
  see(event: object): void {
    if (rollupIdOf(event) === undefined) return
    this.#events += 1
    const { accountId, attributes } = event as { accountId?: unknown; attributes?: object }
    const identity = [userIdOf(event), accountId]
    this.#identities.add(JSON.stringify(identity))
    const texts = Object.entries(attributes ?? {})
      .filter(([name, value]) => typeof value !== 'number' && !fixed.has(name.toLowerCase()))
      .sort(([a], [b]) => (a < b ? -1 : 1))
    this.#all.add(JSON.stringify([identity, texts]))
    const isEndpoint = (name: string) => name === 'endpoint' || name === 'method'
    const left = new Set(texts.map(([name]) => (isEndpoint(name) ? 'endpoint' : name)))
    for (const name of left) {
      let table = this.#without.get(name)
      if (table === undefined) {
        table = new IdTable()
        this.#without.set(name, table)
      }
      const rest = texts.filter(([other]) => (name === 'endpoint' ? !isEndpoint(other) : other !== name))
      table.add(JSON.stringify([identity, rest]))
    }
  }

  result(): EventSource {
    const eventName = this.#eventName
    const savings = [...this.#without].map(([name, table]) => ({
      eventName,
      change:
        name === 'endpoint' ? 'fold all endpoints of a user into one' : `leave out the property ${name}`,
      saved: this.#all.size - table.size,
    }))
    if (this.#without.has('endpoint')) {
      savings.push({ eventName, change: 'leave out the rollup by endpoint', saved: this.#events })
    }
    return {
      eventName,
      events: this.#events,
      identities: this.#identities.size,
      savings: savings.filter(({ saved }) => saved > 0).sort((a, b) => b.saved - a.saved),
    }
  }
}
