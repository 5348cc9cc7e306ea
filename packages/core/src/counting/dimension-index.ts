import { createEndpoints } from '../attribution/endpoint.ts'
import { createPropertySets } from '../attribution/properties.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Instrument, Properties, Series } from '../model/series.ts'

/** The fields of a series beside its identity. */
type Dimensions = Omit<Series, 'identity'>

/** One set of properties of an instrument. */
export interface PropertySet {
  readonly instrument: Instrument
  readonly properties: Properties
  /** The numbers of its dimensions, by endpoint. */
  readonly numbers: Map<Endpoint | undefined, number>
}

/**
 * Numbers dimensions from 0. There are few: the endpoints of the app, times its property sets.
 *
 * Attribution has one object for each endpoint and each property set, so a call is found by its objects. Only objects that come
 * from elsewhere, such as from a file, are compared by content.
 */
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
  readonly propertySets: Map<Properties, PropertySet>
}

/** Creates an empty index. */
export function createDimensionIndex(): DimensionIndex {
  const instruments = new Map<string, KnownInstrument>()
  const knownProperties = createPropertySets()
  const knownEndpoints = createEndpoints(Number.POSITIVE_INFINITY)
  const dimensions: Dimensions[] = []
  let lastInstrument: Instrument | undefined
  let lastKnown: KnownInstrument | undefined
  let lastPropertySet: PropertySet | undefined

  /** Compares instruments by content, because every series that was read from a file has an instrument object of its own. */
  function known(instrument: Instrument): KnownInstrument {
    if (instrument === lastInstrument && lastKnown !== undefined) return lastKnown
    const content = JSON.stringify([instrument.name, instrument.kind, instrument.measures])
    let found = instruments.get(content)
    if (found === undefined) {
      found = { instrument, propertySets: new Map() }
      instruments.set(content, found)
    }
    lastInstrument = instrument
    lastKnown = found
    lastPropertySet = undefined
    return found
  }

  return {
    findPropertySet(instrument, properties) {
      if (instrument === lastInstrument && properties === lastPropertySet?.properties) return lastPropertySet
      const { propertySets } = known(instrument)
      let found = propertySets.get(properties)
      if (found === undefined) {
        const same = knownProperties.find(properties)
        if (same === undefined) return undefined
        found = propertySets.get(same)
      }
      lastPropertySet = found
      return found
    },

    makePropertySet(instrument, properties) {
      const ofInstrument = known(instrument)
      const own = knownProperties.find(properties) ?? knownProperties.add(properties)
      const propertySet = { instrument: ofInstrument.instrument, properties: own, numbers: new Map() }
      ofInstrument.propertySets.set(own, propertySet)
      return propertySet
    },

    propertySets: (instrument) => known(instrument).propertySets.size,

    find({ numbers }, endpoint) {
      const number = numbers.get(endpoint)
      if (number !== undefined) return number
      const same = endpoint && knownEndpoints.find(endpoint)
      return (same && numbers.get(same)) ?? -1
    },

    make({ instrument, properties, numbers }, endpoint) {
      const number = dimensions.length
      const own = endpoint && (knownEndpoints.find(endpoint) ?? knownEndpoints.add(endpoint))
      dimensions.push(
        own === undefined ? { instrument, properties } : { instrument, properties, endpoint: own },
      )
      numbers.set(own, number)
      return number
    },

    at: (number) => dimensions[number] as Dimensions,
  }
}
