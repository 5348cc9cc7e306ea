import type { Instrument, Properties, Series } from '../model/series.ts'

/** What a series has beside its identity. */
type Place = Omit<Series, 'identity'>

/** An instrument with one set of properties, and the endpoints known of it: method -> route -> number of the place. */
export interface Context {
  readonly instrument: Instrument
  readonly properties: Properties
  readonly methods: Map<string, Map<string, number>>
  /** The routes of the method asked for last: most calls have the same one, and one Map is asked less. */
  lastMethod: string
  lastRoutes: Map<string, number> | undefined
  /** The place without an endpoint, -1 as long as there is none. */
  bare: number
}

/** Numbers places from 0. There are few: the endpoints of the app, times its sets of properties. */
export interface PlaceIndex {
  /** `undefined` for properties not made yet. Allocates nothing for an object seen lately. */
  findContext(instrument: Instrument, properties: Properties): Context | undefined
  makeContext(instrument: Instrument, properties: Properties): Context
  /** Sets of properties known of the instrument. */
  propertySets(instrument: Instrument): number
  /** The number of the place, -1 if it has none yet. Allocates nothing. @param route `undefined` for no endpoint */
  find(context: Context, method: string, route: string | undefined): number
  make(context: Context, method: string, route: string | undefined): number
  at(number: number): Place
}

interface KnownInstrument {
  readonly instrument: Instrument
  readonly contexts: Map<string, Context>
  /** Property objects are mostly one and the same few, so their content is compared at first sight only. */
  seen: WeakMap<Properties, Context>
  seenSize: number
}

/** Objects made for one call each are not worth remembering: a WeakMap of a million is copied for tens of milliseconds. */
const maxSeen = 1_000

export function createPlaceIndex(): PlaceIndex {
  const instruments = new Map<string, KnownInstrument>()
  const places: Place[] = []
  let lastInstrument: Instrument | undefined
  let lastKnown: KnownInstrument | undefined
  let lastProperties: Properties | undefined
  let lastContext: Context | undefined

  /** Compared by content, as every series that comes out of a file has an instrument of its own. */
  function known(instrument: Instrument): KnownInstrument {
    if (instrument === lastInstrument && lastKnown !== undefined) return lastKnown
    const content = JSON.stringify([instrument.name, instrument.kind, instrument.measures])
    let found = instruments.get(content)
    if (found === undefined) {
      found = { instrument, contexts: new Map(), seen: new WeakMap(), seenSize: 0 }
      instruments.set(content, found)
    }
    lastInstrument = instrument
    lastKnown = found
    return found
  }

  function remember(ofInstrument: KnownInstrument, properties: Properties, context: Context): Context {
    if (ofInstrument.seenSize >= maxSeen) {
      ofInstrument.seen = new WeakMap()
      ofInstrument.seenSize = 0
    }
    ofInstrument.seen.set(properties, context)
    ofInstrument.seenSize += 1
    return context
  }

  return {
    findContext(instrument, properties) {
      const isLast = instrument === lastInstrument && properties === lastProperties
      if (isLast && lastContext !== undefined) return lastContext
      const ofInstrument = known(instrument)
      let context = ofInstrument.seen.get(properties)
      if (context === undefined) {
        context = ofInstrument.contexts.get(contentOf(properties))
        if (context === undefined) return undefined
        remember(ofInstrument, properties, context)
      }
      lastProperties = properties
      lastContext = context
      return context
    },

    makeContext(instrument, properties) {
      const ofInstrument = known(instrument)
      const context: Context = {
        instrument: ofInstrument.instrument,
        properties,
        methods: new Map(),
        lastMethod: '',
        lastRoutes: undefined,
        bare: -1,
      }
      ofInstrument.contexts.set(contentOf(properties), context)
      return remember(ofInstrument, properties, context)
    },

    propertySets: (instrument) => known(instrument).contexts.size,

    find(context, method, route) {
      if (route === undefined) return context.bare
      if (method !== context.lastMethod || context.lastRoutes === undefined) {
        context.lastMethod = method
        context.lastRoutes = context.methods.get(method)
      }
      return context.lastRoutes?.get(route) ?? -1
    },

    make(context, method, route) {
      const { instrument, properties, methods } = context
      const number = places.length
      if (route === undefined) {
        places.push({ instrument, properties })
        context.bare = number
        return number
      }
      places.push({ instrument, properties, endpoint: { method, route } })
      const routes = methods.get(method) ?? new Map<string, number>()
      methods.set(method, routes.set(route, number))
      return number
    },

    at: (number) => places[number] as Place,
  }
}

/** The same for the same names and values in any order. As JSON: no value can look like a separator in it. */
function contentOf(properties: Properties): string {
  return JSON.stringify(Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)))
}
