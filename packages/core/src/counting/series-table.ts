import type { Endpoint } from '../attribution/endpoint.ts'
import type { Identity } from '../attribution/identity.ts'
import type { CountBatch, Instrument, Properties, Series, UsageDay } from '../store/store.ts'
import { overflowRoute } from './overflow.ts'

export interface SeriesLimits {
  /** Series of one day in this process; beyond it a new endpoint is counted as `(overflow)` of its user. */
  series: number
  /** Endpoints of one identity and day; beyond it they are counted as `(overflow)`. */
  endpointsPerIdentity: number
}

interface KnownSeries extends Series {
  readonly id: number
  /** What each measure gained since the last batch. */
  readonly gained: number[]
  changed: boolean
}

/** Everything known about one user of one account. */
interface KnownIdentity {
  readonly identity: Identity
  /** Instrument -> properties -> method -> route -> series. Nested, so that no text is joined and none can collide. */
  readonly series: Map<Instrument, Map<number, Map<string, Map<string, KnownSeries>>>>
  endpoints: number
}

/** The running numbers of one usage day in this process: what was counted since the store took the last batch. */
export interface SeriesTable {
  /** Adds `gains[i]` to measure `i` of the series, which is made at first sight. */
  add(
    instrument: Instrument,
    identity: Identity,
    properties: Properties,
    endpoint: Endpoint | undefined,
    gains: readonly number[],
  ): void
  /** Freezes what changed since the last batch, `undefined` if nothing did. Later counts go to the next batch. */
  takeBatch(day: UsageDay, sequence: number): CountBatch | undefined
  readonly size: number
  readonly unstored: number
  /** Calls that were counted under an overflow endpoint. */
  readonly folded: number
}

export function createSeriesTable(limits: SeriesLimits, onOverflow: () => void): SeriesTable {
  const accounts = new Map<string | undefined, Map<string, KnownIdentity>>()
  const propertySets = new Map<string, number>()
  const propertySetIds = new WeakMap<Properties, number>()
  const all: KnownSeries[] = []
  const token = {}
  let changed: KnownSeries[] = []
  let folded = 0
  let unstored = 0

  function knownIdentity(identity: Identity): KnownIdentity {
    const users = getOrAdd(accounts, identity.accountId, () => new Map<string, KnownIdentity>())
    return getOrAdd(users, identity.userId, () => ({ identity, series: new Map(), endpoints: 0 }))
  }

  /** Property objects are mostly one and the same, so their content is compared at first sight only. */
  function propertySetId(properties: Properties): number {
    let id = propertySetIds.get(properties)
    if (id === undefined) {
      const content = JSON.stringify(Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)))
      id = getOrAdd(propertySets, content, () => propertySets.size)
      propertySetIds.set(properties, id)
    }
    return id
  }

  function find(
    instrument: Instrument,
    known: KnownIdentity,
    properties: Properties,
    endpoint: Endpoint | undefined,
  ): KnownSeries {
    const ofInstrument = getOrAdd(known.series, instrument, () => new Map())
    const ofProperties = getOrAdd(ofInstrument, propertySetId(properties), () => new Map())
    const ofMethod = getOrAdd(ofProperties, endpoint?.method ?? '', () => new Map<string, KnownSeries>())
    const route = endpoint?.route ?? ''
    const found = ofMethod.get(route)
    if (found !== undefined) return found
    const isDetail = endpoint !== undefined && route !== overflowRoute
    if (isDetail && (all.length >= limits.series || known.endpoints >= limits.endpointsPerIdentity)) {
      folded += 1
      onOverflow()
      return find(instrument, known, properties, { method: endpoint.method, route: overflowRoute })
    }
    if (isDetail) known.endpoints += 1
    const series: KnownSeries = {
      id: all.length,
      instrument,
      identity: known.identity,
      properties,
      endpoint,
      gained: instrument.measures.map(() => 0),
      changed: false,
    }
    ofMethod.set(route, series)
    all.push(series)
    return series
  }

  return {
    add(instrument, identity, properties, endpoint, gains) {
      const series = find(instrument, knownIdentity(identity), properties, endpoint)
      for (let measure = 0; measure < gains.length; measure++) {
        series.gained[measure] = (series.gained[measure] ?? 0) + (gains[measure] ?? 0)
      }
      if (instrument.name === 'apiCalls') unstored += gains[0] ?? 0
      if (series.changed) return
      series.changed = true
      changed.push(series)
    },

    takeBatch(day, sequence) {
      if (changed.length === 0) return undefined
      const frozen = changed.map((series) => ({ id: series.id, gained: series.gained.slice() }))
      for (const series of changed) {
        series.gained.fill(0)
        series.changed = false
      }
      changed = []
      unstored = 0
      return {
        day,
        sequence,
        size: frozen.length,
        table: token,
        forEach(visit) {
          for (const { id, gained } of frozen) visit(id, gained)
        },
        describe(id) {
          const { instrument, identity, properties, endpoint } = all[id] as KnownSeries
          return { instrument, identity, properties, endpoint }
        },
      }
    },

    get size() {
      return all.length
    },
    get unstored() {
      return unstored
    },
    get folded() {
      return folded
    },
  }
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
