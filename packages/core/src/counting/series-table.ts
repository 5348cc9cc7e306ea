import { usableIdentity } from '../attribution/identity.ts'
import type { CallKind } from '../model/call-kind.ts'
import type { CountedCall } from '../model/counted-call.ts'
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
import { createSeriesRows } from './series-rows.ts'
import { readTaken, type TakenCounts } from './taken-counts.ts'
import { maxWaiting, type WaitingCalls } from './turn-calls.ts'

/** What makes a row: the number of the identity, and the rest of the series. */
interface RowKey {
  readonly user: number
  readonly propertySet: PropertySet
  readonly endpoint: Series['endpoint']
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

export interface SeriesTableSettings {
  limits: SeriesLimits
  /** The meter's own properties, which replace those of a call when there are too many property sets. */
  properties: Properties
  /** Called when `times` calls lost some detail. */
  onFold(fold: Fold, times: number): void
  /** Called when a number reached 2^53 - 1, the largest exact integer, at which it stays. */
  onSaturation(): void
}

/**
 * The running numbers of one usage day in this process that the store does not have yet.
 *
 * Its limits bound it: at most `series` series with all detail, as many without their endpoint, and one more for each of at
 * most `users` users and as many overflow users. Measured: 55 bytes for a series, about 130 for a user.
 */
export interface SeriesTable {
  /** Counts calls, each once. Ids that are not known yet are checked and made usable. Allocates nothing for a known series. */
  addCalls(calls: WaitingCalls): void
  /** Counts `times` finished calls of one kind under a usable identity. @param times @default 1 */
  addCall(identity: Identity, call: Omit<CountedCall, 'day'>, times?: number): void
  /** Adds the values of an instrument, or replaces them if its kind is `last`. An instrument has at most four measures. */
  add(series: Series, gained: ArrayLike<number>): void
  /** Returns the first value of a series, 0 if there is no such series. Changes nothing. */
  valueOf(series: Series): number
  /** Takes up to `max` changed series out of the table, in the order in which they changed. */
  take(max: number): TakenCounts
  /** Returns the series of an id, while this table exists. */
  describe(id: number): Series
  /** Number of series. */
  readonly size: number
  /** Number of series that changed since they were taken. */
  readonly changed: number
  /** Number of API calls that were not taken yet. */
  readonly calls: number
}

/** Creates a table that groups series and never folds. A million series never stop the event loop, as a growing Map would. */
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

/** Creates an empty table. */
export function createSeriesTable(settings: SeriesTableSettings): SeriesTable {
  const { limits, properties: ownProperties, onFold, onSaturation } = settings
  const identities = createIdentityIndex()
  const dimensions = createDimensionIndex()
  const rows = createSeriesRows()
  /** By number of the identity: how many of its series have an endpoint. */
  const endpoints: number[] = []
  let overflowUsers = 0
  let calls = 0
  /** The series of the call that is counted, one object for all calls. */
  const calledSeries: Writable<Series> = {
    instrument: apiCalls,
    identity: { userId: '' },
    properties: ownProperties,
  }

  /** Returns the id of a series, -1 if there is no such series. */
  function known({ instrument, identity, properties, endpoint }: Series): number {
    const user = identities.find(identity.userId, identity.accountId)
    const propertySet = dimensions.findPropertySet(instrument, properties)
    return user === -1 || propertySet === undefined ? -1 : existing(user, propertySet, endpoint)
  }

  function find(series: Series, times: number): number {
    const id = known(series)
    return id === -1 ? findOrMake(series, times) : id
  }

  /** Finds or adds a series that is new in some dimension, or the series that replaces it beyond the limits. */
  function findOrMake({ instrument, identity, properties, endpoint }: Series, times: number): number {
    const knownUser = identities.find(identity.userId, identity.accountId)
    const user = knownUser === -1 ? makeIdentity(identity, times) : knownUser
    const propertySet =
      dimensions.findPropertySet(instrument, properties) ?? makePropertySet(instrument, properties, times)
    if (endpoint === undefined) return row({ user, propertySet, endpoint }, times)
    const id = existing(user, propertySet, endpoint)
    if (id !== -1) return id
    const ofIdentity = endpoints[user] ?? 0
    const isDetail = endpoint.route !== overflowEndpoint.route
    if (isDetail && (rows.size >= limits.series || ofIdentity >= limits.endpointsPerIdentity)) {
      onFold('endpoints', times)
      return row({ user, propertySet, endpoint: overflowEndpoint }, times)
    }
    if (isDetail) endpoints[user] = ofIdentity + 1
    return row({ user, propertySet, endpoint }, times)
  }

  /** Returns the row, and adds it if needed. Far beyond the limit it drops the properties, so that each identity has one row. */
  function row(key: RowKey, times: number): number {
    const { user, propertySet, endpoint } = key
    const id = existing(user, propertySet, endpoint)
    if (id !== -1) return id
    if (rows.size >= 2 * limits.series && propertySet.properties !== ownProperties) {
      onFold('properties', times)
      return row({ ...key, propertySet: ownPropertySet(propertySet.instrument) }, times)
    }
    const dimension = dimensions.find(propertySet, endpoint)
    return rows.make(user, dimension === -1 ? dimensions.make(propertySet, endpoint) : dimension)
  }

  function existing(user: number, propertySet: PropertySet, endpoint: Series['endpoint']): number {
    const dimension = dimensions.find(propertySet, endpoint)
    return dimension === -1 ? -1 : rows.find(user, dimension)
  }

  function makeIdentity(identity: Identity, times: number): number {
    if (identities.size - overflowUsers < limits.users) return makeKnown(identity)
    const ofAccount = overflowUser(identity.accountId)
    const known = identities.find(ofAccount.userId, ofAccount.accountId)
    const fits = known !== -1 || identity.accountId === undefined || overflowUsers < limits.users
    onFold(fits ? 'users' : 'accounts', times)
    if (known !== -1) return known
    const standIn = fits ? ofAccount : overflowAccountUser
    const made = identities.find(standIn.userId, standIn.accountId)
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

  /** The numbers of the users of calls, then the ids of their series. While calls are counted it is in use, and others get their own. */
  let spareNumbers: Int32Array | undefined = new Int32Array(maxWaiting)
  /** Marks the kinds whose dimension is known in this table. */
  const self = {}

  function dimensionOf(kind: CallKind): number {
    if (kind.table === self) return kind.dimension
    const propertySet = dimensions.findPropertySet(apiCalls, kind.properties)
    const dimension = propertySet === undefined ? -1 : dimensions.find(propertySet, kind.endpoint)
    if (dimension === -1) return -1
    kind.table = self
    kind.dimension = dimension
    return dimension
  }

  function addCall(
    identity: Identity,
    { endpoint, properties, statusCode, aborted, measures }: Omit<CountedCall, 'day'>,
    times: number,
  ): void {
    calledSeries.identity = identity
    calledSeries.properties = properties
    calledSeries.endpoint = endpoint
    gainCalls(find(calledSeries, times), statusCode, aborted, times)
    if (measures === undefined) return
    // A fold of these calls was counted with their own series.
    for (const { instrument, value } of measures)
      gain(find({ instrument, identity, properties, endpoint }, 0), 0, value)
  }

  function gainCalls(id: number, statusCode: number, aborted: boolean, times: number): void {
    gain(id, 0, times)
    if (statusCode >= 500) gain(id, 2, times)
    else if (statusCode >= 400) gain(id, 1, times)
    if (aborted) gain(id, 3, times)
    calls += times
  }

  const instrumentOf = (id: number) => dimensions.at(rows.dimensionsOf(id)).instrument

  return {
    // Each step runs for all calls before the next one, so that the processor waits for the memory of several calls at once.
    addCalls({ length, userIds, accountIds, kinds }) {
      const found = spareNumbers ?? new Int32Array(maxWaiting)
      spareNumbers = undefined
      for (let at = 0; at < length; at++) found[at] = identities.find(userIds[at] as string, accountIds[at])
      for (let at = 0; at < length; at++) {
        const user = found[at] as number
        const dimension = dimensionOf(kinds[at] as CallKind)
        found[at] = user === -1 || dimension === -1 ? -1 : rows.find(user, dimension)
      }
      for (let at = 0; at < length; at++) {
        const id = found[at] as number
        const kind = kinds[at] as CallKind
        if (id !== -1) gainCalls(id, kind.statusCode, kind.aborted, 1)
        else
          addCall(
            usableIdentity({ userId: userIds[at] as string, accountId: accountIds[at] }) as Identity,
            kind,
            1,
          )
      }
      spareNumbers = found
    },

    addCall: (identity, call, times = 1) => addCall(identity, call, times),

    valueOf(series) {
      const id = known(series)
      return id === -1 ? 0 : rows.valueOf(id, 0)
    },

    add(series, gained) {
      const { instrument } = series
      const id = find(series, 1)
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
      const taken = readTaken(rows.take(max), instrumentOf)
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
