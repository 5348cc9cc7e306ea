import { type EventFacts, factsOf, fingerprintOf } from './event-facts.ts'
import { IdTable } from './id-table.ts'

/** A line of the record of what was sent. */
export interface SentLine {
  readonly id: string
  /** Only a line that is `delivered` must be in PX. */
  readonly state: 'delivered' | 'pending' | 'unconfirmed' | 'rejected'
  /** The body of the request, parsed. */
  readonly event: object
}

export type FaultKind = 'missing' | 'doubled' | 'changed' | 'foreign'

/** One event that is not in PX as it was sent. */
export interface EventFault {
  readonly kind: FaultKind
  readonly eventName: string
  readonly day: string
  readonly userId: string
  readonly accountId: string
  /** The `rollupId`; `undefined` for an event that px-usage did not send. */
  readonly id: string | undefined
  readonly detail: string
}

/** A day of a user that has more than one event because of late counts: PX's Average divides by the number of events. */
export interface UntrueAverage {
  readonly eventName: string
  readonly day: string
  readonly userId: string
  readonly accountId: string
}

/** Totals of one event name. */
export interface NameTotals {
  readonly eventName: string
  sent: number
  inPx: number
  readonly sentSums: Record<string, number>
  readonly pxSums: Record<string, number>
  readonly faults: Record<FaultKind, number>
}

/** The two highest bits of the number of an id: was it seen in PX, and must it be there. The rest is the fingerprint. */
const seenBit = 0x80000000
const expectedBit = 0x40000000
const fingerprintMask = 0x3fffffff

/**
 * Compares what was sent with what PX holds: first `expect()` for each line, then `see()` for each event of PX, then `finish()` for
 * each line again. It keeps 29 to 57 bytes for each line, whatever its size.
 */
export class Comparison {
  readonly #ids = new IdTable()
  readonly #names = new Map<string, NameTotals>()
  /** What was counted late, by what it belongs to, with the number of its events that PX has. */
  readonly #revised = new Map<string, UntrueAverage & { events: number }>()
  /** Lines that must be in PX and were not seen there yet. */
  #open = 0
  /** Product keys of the lines. Other products of the subscription have senders of their own. */
  readonly #products = new Set<string>()
  readonly #hasRecord: boolean
  readonly #dayOf: (epochMs: number) => string
  readonly #onFault: (fault: EventFault) => void

  /** @param given `hasRecord` is `false` where nothing is known of what was sent: only repeats are then found */
  constructor(given: {
    hasRecord: boolean
    productKey: string | undefined
    dayOf(epochMs: number): string
    onFault(fault: EventFault): void
  }) {
    this.#hasRecord = given.hasRecord
    if (given.productKey !== undefined) this.#products.add(given.productKey)
    this.#dayOf = given.dayOf
    this.#onFault = given.onFault
  }

  /** Totals by event name, in the order in which the names appeared. */
  get totals(): readonly NameTotals[] {
    return [...this.#names.values()]
  }

  /** Whether PX lacks a line, so that `finish()` is needed. */
  get hasMissing(): boolean {
    return this.#open > 0
  }

  /** Days of users with more than one event, because of a revision for late counts. */
  *untrueAverages(): Generator<UntrueAverage> {
    for (const { events, ...average } of this.#revised.values()) if (events > 1) yield average
  }

  /** Adds a line that was sent, or waits to be. */
  expect({ id, state, event }: SentLine): void {
    const facts = factsOf(event, this.#dayOf)
    const place = this.#ids.place(id)
    const wasExpected = (this.#ids.at(place) & expectedBit) !== 0
    if (facts.productKey !== '') this.#products.add(facts.productKey)
    if (facts.revision > 0) {
      const { eventName, day, userId, accountId } = facts
      this.#revised.set(facts.entity, { eventName, day, userId, accountId, events: 0 })
    }
    const isExpected = wasExpected || state === 'delivered'
    this.#ids.set(place, ((isExpected ? expectedBit : 0) | fingerprintOf(facts)) >>> 0)
    if (wasExpected || !isExpected) return
    const totals = this.#totalsOf(facts.eventName)
    totals.sent += 1
    this.#open += 1
    addTo(totals.sentSums, facts.measures)
  }

  /** Adds an event of PX. Each has to be given once. */
  see(event: object): void {
    const facts = factsOf(event, this.#dayOf)
    const { productKey } = facts
    if (productKey !== '' && this.#products.size > 0 && !this.#products.has(productKey)) return
    const totals = this.#totalsOf(facts.eventName)
    totals.inPx += 1
    addTo(totals.pxSums, facts.measures)
    const revised = this.#revised.get(facts.entity)
    if (revised !== undefined) revised.events += 1
    const place = facts.id === undefined ? -1 : this.#ids.find(facts.id)
    if (place === -1 && facts.id !== undefined && !this.#hasRecord) {
      const added = this.#ids.place(facts.id)
      this.#ids.set(added, (seenBit | fingerprintOf(facts)) >>> 0)
      return
    }
    if (place === -1) {
      const isOurs = facts.id !== undefined
      this.#fault('foreign', facts, isOurs ? 'from another store of px-usage' : 'not from px-usage')
      return
    }
    const known = this.#ids.at(place)
    if ((known & seenBit) === 0 && (known & expectedBit) !== 0) this.#open -= 1
    if ((known & seenBit) !== 0) this.#fault('doubled', facts, `once more, with ${measuresText(facts)}`)
    else if ((known & fingerprintMask) !== fingerprintOf(facts)) {
      this.#fault('changed', facts, `in PX with ${measuresText(facts)}`)
    }
    this.#ids.set(place, (known | seenBit) >>> 0)
  }

  /** Gives a line again, after all events of PX were seen. Faults of lines that PX does not have are reported. */
  finish({ id, event }: SentLine): void {
    const place = this.#ids.find(id)
    if (place === -1) return
    const known = this.#ids.at(place)
    if ((known & expectedBit) === 0 || (known & seenBit) !== 0) return
    const facts = factsOf(event, this.#dayOf)
    this.#fault('missing', { ...facts, id }, `sent with ${measuresText(facts)}`)
    // A line that is given twice is missing once.
    this.#ids.set(place, (known | seenBit) >>> 0)
  }

  #fault(kind: FaultKind, facts: EventFacts, detail: string): void {
    const { eventName, day, userId, accountId, id } = facts
    this.#totalsOf(eventName).faults[kind] += 1
    this.#onFault({ kind, eventName, day, userId, accountId, id, detail })
  }

  #totalsOf(eventName: string): NameTotals {
    let totals = this.#names.get(eventName)
    if (totals === undefined) {
      const faults = { missing: 0, doubled: 0, changed: 0, foreign: 0 }
      totals = { eventName, sent: 0, inPx: 0, sentSums: {}, pxSums: {}, faults }
      this.#names.set(eventName, totals)
    }
    return totals
  }
}

function addTo(sums: Record<string, number>, measures: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(measures)) sums[name] = (sums[name] ?? 0) + value
}

function measuresText({ measures }: EventFacts): string {
  const parts = Object.entries(measures).map(([name, value]) => `${name} ${value}`)
  return parts.length === 0 ? 'no number' : parts.join(', ')
}
