import type { Endpoint } from '../model/endpoint.ts'
import type { Instrument, Properties, Series } from '../model/series.ts'
import { sortedEntries } from '../model/sorted-entries.ts'

/** The fields of a series beside its identity. */
type Dimensions = Omit<Series, 'identity'>

/** One set of properties of an instrument. `methods` maps the method and route of its endpoints to the number of their dimensions. */
export interface PropertySet {
  readonly instrument: Instrument
  readonly properties: Properties
  readonly methods: Map<string, Map<string, number>>
  /** The routes of the last method: most calls have the same method, and the lookup is skipped then. */
  lastMethod: string
  lastRoutes: Map<string, number> | undefined
  /** The number of the dimensions without an endpoint, -1 until they have one. */
  bare: number
}

/** Numbers dimensions from 0. There are few: the endpoints of the app, times its property sets. */
export interface DimensionIndex {
  /** Returns the group, or `undefined` if it was not created yet. Allocates nothing for an object that was seen lately. */
  findPropertySet(instrument: Instrument, properties: Properties): PropertySet | undefined
  makePropertySet(instrument: Instrument, properties: Properties): PropertySet
  /** Number of property sets of an instrument. */
  propertySets(instrument: Instrument): number
  /** Returns the number of dimensions, -1 if they have none yet. Allocates nothing. */
  find(propertySet: PropertySet, endpoint: Endpoint | undefined): number
  make(propertySet: PropertySet, endpoint: Endpoint | undefined): number
  at(number: number): Dimensions
}

interface KnownInstrument {
  readonly instrument: Instrument
  readonly propertySets: Map<string, PropertySet>
  /** Property sets by object. The same few objects come again, so their content is compared only the first time. */
  seen: WeakMap<Properties, PropertySet>
  seenSize: number
}

/** Limit of remembered objects: growing a WeakMap to a million entries takes tens of milliseconds. */
const maxSeen = 1_000

/** Creates an empty index. */
export function createDimensionIndex(): DimensionIndex {
  const instruments = new Map<string, KnownInstrument>()
  const dimensions: Dimensions[] = []
  let lastInstrument: Instrument | undefined
  let lastKnown: KnownInstrument | undefined
  let lastProperties: Properties | undefined
  let lastPropertySet: PropertySet | undefined

  /** Compares instruments by content, because every series that was read from a file has an instrument object of its own. */
  function known(instrument: Instrument): KnownInstrument {
    if (instrument === lastInstrument && lastKnown !== undefined) return lastKnown
    const content = JSON.stringify([instrument.name, instrument.kind, instrument.measures])
    let found = instruments.get(content)
    if (found === undefined) {
      found = { instrument, propertySets: new Map(), seen: new WeakMap(), seenSize: 0 }
      instruments.set(content, found)
    }
    lastInstrument = instrument
    lastKnown = found
    return found
  }

  function remember(
    ofInstrument: KnownInstrument,
    properties: Properties,
    propertySet: PropertySet,
  ): PropertySet {
    if (ofInstrument.seenSize >= maxSeen) {
      ofInstrument.seen = new WeakMap()
      ofInstrument.seenSize = 0
    }
    ofInstrument.seen.set(properties, propertySet)
    ofInstrument.seenSize += 1
    return propertySet
  }

  return {
    findPropertySet(instrument, properties) {
      const isLast = instrument === lastInstrument && properties === lastProperties
      if (isLast && lastPropertySet !== undefined) return lastPropertySet
      const ofInstrument = known(instrument)
      let propertySet = ofInstrument.seen.get(properties)
      if (propertySet === undefined) {
        propertySet = ofInstrument.propertySets.get(contentOf(properties))
        if (propertySet === undefined) return undefined
        remember(ofInstrument, properties, propertySet)
      }
      lastProperties = properties
      lastPropertySet = propertySet
      return propertySet
    },

    makePropertySet(instrument, properties) {
      const ofInstrument = known(instrument)
      const propertySet: PropertySet = {
        instrument: ofInstrument.instrument,
        properties,
        methods: new Map(),
        lastMethod: '',
        lastRoutes: undefined,
        bare: -1,
      }
      ofInstrument.propertySets.set(contentOf(properties), propertySet)
      return remember(ofInstrument, properties, propertySet)
    },

    propertySets: (instrument) => known(instrument).propertySets.size,

    find(propertySet, endpoint) {
      if (endpoint === undefined) return propertySet.bare
      const { method, route } = endpoint
      if (method !== propertySet.lastMethod || propertySet.lastRoutes === undefined) {
        propertySet.lastMethod = method
        propertySet.lastRoutes = propertySet.methods.get(method)
      }
      return propertySet.lastRoutes?.get(route) ?? -1
    },

    make(propertySet, endpoint) {
      const { instrument, properties, methods } = propertySet
      const number = dimensions.length
      if (endpoint === undefined) {
        dimensions.push({ instrument, properties })
        propertySet.bare = number
        return number
      }
      const { method, route } = endpoint
      dimensions.push({ instrument, properties, endpoint: { method, route } })
      const routes = methods.get(method) ?? new Map<string, number>()
      methods.set(method, routes.set(route, number))
      return number
    },

    at: (number) => dimensions[number] as Dimensions,
  }
}

/** Returns the same text for the same names and values in any order. It is JSON, so no value can imitate a separator. */
function contentOf(properties: Properties): string {
  return JSON.stringify(sortedEntries(properties))
}
