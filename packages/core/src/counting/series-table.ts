import type { Identity } from '../model/identity.ts'
import type { Instrument, Properties, Series } from '../model/series.ts'
import { createDimensionIndex, type PropertySet } from './dimension-index.ts'
import { createIdentityIndex } from './identity-index.ts'
import { apiCalls } from './instruments.ts'
import {
  type Fold,
  overflowAccountUser,
  overflowEndpoint,
  overflowUser,
  type SeriesLimits,
} from './overflow.ts'
import { createSeriesRows, type TakenRows, valuesPerRow } from './series-rows.ts'

/** What was counted since it was taken the time before. Frozen. */
interface TakenCounts {
  readonly size: number
  /** API calls among it. */
  readonly calls: number
  /** Visits every series once; `gained` is reused between visits. */
  forEach(visit: (id: number, gained: ArrayLike<number>) => void): void
}

export interface SeriesTableSettings {
  limits: SeriesLimits
  /** The properties that remain when there are too many sets of them: the meter's own. */
  properties: Properties
  /** So many calls lost some detail. */
  onFold(fold: Fold, times: number): void
  /** A number would have passed 2^53 - 1, beyond which it could not be exact, and stays there. */
  onSaturation(): void
}

/**
 * The running numbers of one usage day in this process: what was counted since the store took the last batch.
 *
 * Bounded by its limits: it has at most `series` series with all detail, as many without their endpoint, and one more for
 * each of at most `users` users and as many overflow users. Measured: 55 bytes per series, some 130 per user.
 */
export interface SeriesTable {
  /** Counts finished calls of one kind. Allocates nothing for a series that is known. */
  addCall(
    identity: Identity,
    properties: Properties,
    method: string,
    route: string,
    statusCode: number,
    aborted: boolean,
    times?: number,
  ): void
  /** Adds what each measure of an instrument gained, or sets it by the kind of the instrument. At most four measures. */
  add(
    instrument: Instrument,
    identity: Identity,
    properties: Properties,
    endpoint: Series['endpoint'],
    gained: ArrayLike<number>,
  ): void
  /** Takes up to `max` changed series out of the table, those first that changed first. */
  take(max: number): TakenCounts
  /** The series of an id, as long as this table lives. */
  describe(id: number): Series
  /** Series known. */
  readonly size: number
  /** Series that changed since they were taken. */
  readonly changed: number
  /** API calls that were not taken yet. */
  readonly calls: number
}

/** A table that groups and never folds: a million series in typed arrays, and it never stops to copy them. */
export function createUnlimitedTable(): SeriesTable {
  const none = Number.POSITIVE_INFINITY
  return createSeriesTable({
    limits: { series: none, endpointsPerIdentity: none, propertySets: none, users: none },
    properties: {},
    onFold() {},
    onSaturation() {},
  })
}

const most = Number.MAX_SAFE_INTEGER

export function createSeriesTable(settings: SeriesTableSettings): SeriesTable {
  const { limits, properties: ownProperties, onFold, onSaturation } = settings
  const identities = createIdentityIndex()
  const dimensions = createDimensionIndex()
  const rows = createSeriesRows()
  /** By identity: its series that have an endpoint. */
  const endpoints: number[] = []
  let overflowUsers = 0
  let calls = 0

  function find(
    instrument: Instrument,
    identity: Identity,
    properties: Properties,
    method: string,
    route: string | undefined,
    times: number,
  ): number {
    const who = identities.find(identity)
    const propertySet = dimensions.findPropertySet(instrument, properties)
    const dimension = propertySet === undefined ? -1 : dimensions.find(propertySet, method, route)
    if (who !== -1 && dimension !== -1) {
      const id = rows.find(who, dimension)
      if (id !== -1) return id
    }
    return findOrMake(instrument, who, identity, propertySet, properties, method, route, times)
  }

  /** A series not seen before, or the one that stands for it when there are too many. */
  function findOrMake(
    instrument: Instrument,
    known: number,
    identity: Identity,
    knownSet: PropertySet | undefined,
    properties: Properties,
    method: string,
    route: string | undefined,
    times: number,
  ): number {
    const who = known === -1 ? makeIdentity(identity, times) : known
    const propertySet = knownSet ?? makePropertySet(instrument, properties, times)
    if (route === undefined) return row(who, propertySet, method, route, times)
    const id = existing(who, propertySet, method, route)
    if (id !== -1) return id
    const ofIdentity = endpoints[who] ?? 0
    const isDetail = route !== overflowEndpoint.route
    if (isDetail && (rows.size >= limits.series || ofIdentity >= limits.endpointsPerIdentity)) {
      onFold('endpoints', times)
      return row(who, propertySet, overflowEndpoint.method, overflowEndpoint.route, times)
    }
    if (isDetail) endpoints[who] = ofIdentity + 1
    return row(who, propertySet, method, route, times)
  }

  /** The row, made if need be; far beyond the limit also without its properties, so that each identity has only one. */
  function row(
    who: number,
    propertySet: PropertySet,
    method: string,
    route: string | undefined,
    times: number,
  ): number {
    const id = existing(who, propertySet, method, route)
    if (id !== -1) return id
    if (rows.size >= 2 * limits.series && propertySet.properties !== ownProperties) {
      onFold('properties', times)
      return row(who, ownPropertySet(propertySet.instrument), method, route, times)
    }
    const dimension = dimensions.find(propertySet, method, route)
    return rows.make(who, dimension === -1 ? dimensions.make(propertySet, method, route) : dimension)
  }

  function existing(
    who: number,
    propertySet: PropertySet,
    method: string,
    route: string | undefined,
  ): number {
    const dimension = dimensions.find(propertySet, method, route)
    return dimension === -1 ? -1 : rows.find(who, dimension)
  }

  function makeIdentity(identity: Identity, times: number): number {
    if (identities.size - overflowUsers < limits.users) return makeKnown(identity)
    const ofAccount = overflowUser(identity.accountId)
    const known = identities.find(ofAccount)
    const fits = known !== -1 || identity.accountId === undefined || overflowUsers < limits.users
    onFold(fits ? 'users' : 'accounts', times)
    if (known !== -1) return known
    const standIn = fits ? ofAccount : overflowAccountUser
    const made = identities.find(standIn)
    if (made !== -1) return made
    overflowUsers += 1
    return makeKnown(standIn)
  }

  function makeKnown(identity: Identity): number {
    endpoints.push(0)
    return identities.make(identity)
  }

  function makePropertySet(instrument: Instrument, properties: Properties, times: number): PropertySet {
    if (dimensions.propertySets(instrument) < limits.propertySets)
      return dimensions.makePropertySet(instrument, properties)
    onFold('properties', times)
    return ownPropertySet(instrument)
  }

  function ownPropertySet(instrument: Instrument): PropertySet {
    return (
      dimensions.findPropertySet(instrument, ownProperties) ??
      dimensions.makePropertySet(instrument, ownProperties)
    )
  }

  function gain(id: number, measure: number, gained: number): void {
    if (rows.add(id, measure, gained) <= most) return
    onSaturation()
    rows.setValue(id, measure, most)
  }

  function read(taken: TakenRows): TakenCounts {
    const rowLength = 1 + valuesPerRow
    let takenCalls = 0
    for (let row = 0; row < taken.length; row += rowLength) {
      const { instrument } = dimensions.at(rows.dimensionsOf(taken[row] as number))
      if (instrument.name === apiCalls.name) takenCalls += taken[row + 1] as number
    }
    return {
      size: taken.length / rowLength,
      calls: takenCalls,
      forEach(visit) {
        let gained: number[] = []
        for (let row = 0; row < taken.length; row += rowLength) {
          const id = taken[row] as number
          const { length } = dimensions.at(rows.dimensionsOf(id)).instrument.measures
          if (gained.length !== length) gained = new Array(length)
          for (let measure = 0; measure < length; measure++)
            gained[measure] = taken[row + 1 + measure] as number
          visit(id, gained)
        }
      },
    }
  }

  return {
    addCall(identity, properties, method, route, statusCode, aborted, times = 1) {
      const id = find(apiCalls, identity, properties, method, route, times)
      gain(id, 0, times)
      if (statusCode >= 500) gain(id, 2, times)
      else if (statusCode >= 400) gain(id, 1, times)
      if (aborted) gain(id, 3, times)
      calls += times
    },

    add(instrument, identity, properties, endpoint, gained) {
      const id = find(instrument, identity, properties, endpoint?.method ?? '', endpoint?.route, 1)
      if (instrument.kind === 'last') {
        if (rows.hasChanged(id) && (gained[1] as number) < rows.valueOf(id, 1)) return
        rows.setValue(id, 0, gained[0] as number)
        rows.setValue(id, 1, gained[1] as number)
        return
      }
      for (let measure = 0; measure < gained.length; measure++) gain(id, measure, gained[measure] as number)
      if (instrument.name === apiCalls.name) calls += gained[0] ?? 0
    },

    take(max) {
      const taken = read(rows.take(max))
      calls -= taken.calls
      return taken
    },

    describe(id) {
      const { instrument, properties, endpoint } = dimensions.at(rows.dimensionsOf(id))
      return { instrument, identity: identities.at(rows.identityOf(id)), properties, endpoint }
    },

    get size() {
      return rows.size
    },
    get changed() {
      return rows.changed
    },
    get calls() {
      return calls
    },
  }
}
