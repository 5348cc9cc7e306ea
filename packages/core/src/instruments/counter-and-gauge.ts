import { type IdentityInput, identityFault, usableIdentity } from '../attribution/identity.ts'
import { propertiesBeside, usableProperties } from '../attribution/properties.ts'
import { apiCalls, callMeasurePrefix } from '../counting/instruments.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { quoted, UsageError } from '../errors.ts'
import type { Identity } from '../model/identity.ts'
import type { Instrument, Properties, PropertyValue, UsageDay } from '../model/series.ts'
import { isEventName, maxTextLength } from '../px-limits.ts'

/** The options of a counter or gauge. */
export interface InstrumentOptions {
  /** The name of the number in the event. No other property of the event may have it. */
  property: string
}

/** Low-cardinality properties of one number, in addition to its identity. */
export type GivenProperties = Readonly<Record<string, PropertyValue>>

/** Adds values over a usage day. One event per identity, properties and closed day has the sum. */
export interface Counter {
  /**
   * Adds a value. It never throws: an invalid value or identity is reported to `onError` and counted in `stats()`.
   *
   * @param value finite and not negative @default 1
   */
  add(identity: IdentityInput, value?: number, properties?: GivenProperties): void
}

/** Keeps the last value of a usage day. One event per identity, properties and closed day has it. */
export interface Gauge {
  /**
   * Records a value. It never throws: an invalid value or identity is reported to `onError` and counted in `stats()`.
   *
   * @param value finite
   */
  record(identity: IdentityInput, value: number, properties?: GivenProperties): void
}

/** The numbers of values that counters and gauges have received, by result. */
export interface ReadingStats {
  taken: number
  refused: { value: number; identity: number }
  /** Values that came after `close()`, or after the timeout of an observable gauge. */
  tooLate: number
}

/** Takes one value of an instrument into a day. Never throws. */
type Take = (
  instrument: Instrument,
  day: UsageDay,
  identity: unknown,
  value: unknown,
  properties: unknown,
) => void

/** The instruments of a meter that the app uses. */
export interface AppInstruments {
  /**
   * Creates an instrument under a name that no other instrument or rollup of this meter has.
   *
   * @throws {UsageError} `PXU_ERR_COUNTING_INSTRUMENT`
   */
  declare(eventName: string, options: InstrumentOptions, kind: Instrument['kind']): Instrument
  /** Releases the name of an instrument, so that it may be declared again. Its counts stay. */
  forget(instrument: Instrument): void
  isDeclared(eventName: string): boolean
  counter(eventName: string, options: InstrumentOptions): Counter
  gauge(eventName: string, options: InstrumentOptions): Gauge
  take: Take
  cameTooLate(): void
  stats(): ReadingStats
}

/** The settings of `createAppInstruments()`. */
export interface AppInstrumentsSettings {
  now(): number
  today(): UsageDay
  /** Event names that are in use: those of the rollups. */
  taken: readonly string[]
  diagnostics: Diagnostics
  isClosed(): boolean
  add(
    instrument: Instrument,
    day: UsageDay,
    identity: Identity,
    properties: Properties,
    values: readonly number[],
  ): void
}

const none: Properties = Object.freeze({})

/** Creates the instruments for numbers of the app itself. They share series, days, store and delivery with the calls. */
export function createAppInstruments(settings: AppInstrumentsSettings): AppInstruments {
  const { now, today, diagnostics, isClosed, add } = settings
  const names = new Set([apiCalls.name, ...settings.taken])
  const stats = { taken: 0, refused: { value: 0, identity: 0 }, tooLate: 0 }

  function refuse(what: 'value' | 'identity', message: string, cause?: unknown): void {
    const code = what === 'value' ? 'PXU_ERR_COUNTING_VALUE' : 'PXU_ERR_COUNTING_IDENTITY'
    stats.refused[what] += 1
    diagnostics.publish('counting:refused', { code, message })
    diagnostics.report({ code, message, cause })
  }

  function takeReading(
    instrument: Instrument,
    day: UsageDay,
    given: unknown,
    value: unknown,
    givenProperties: unknown,
  ): void {
    const isSum = instrument.kind === 'sum'
    if (typeof value !== 'number' || !Number.isFinite(value) || (isSum && value < 0)) {
      const expected = isSum ? 'a finite number that is not negative' : 'a finite number'
      refuse(
        'value',
        `${quoted(instrument.name)} got the value ${quoted(value)}, which was not counted. Give ${expected}.`,
      )
      return
    }
    const identity = usableIdentity(given)
    if (identity === undefined) {
      refuse(
        'identity',
        `${quoted(instrument.name)} was given ${identityFault(given)} instead of an identity, so its value was not counted. Give { userId, accountId? } with non-empty strings, finite numbers or bigints.`,
      )
      return
    }
    const properties =
      givenProperties === undefined || givenProperties === null
        ? none
        : propertiesBeside(instrument.measures.slice(0, 1), usableProperties(givenProperties))
    add(instrument, day, identity, properties, isSum ? [value] : [value, now()])
    stats.taken += 1
  }

  const instruments: AppInstruments = {
    declare(eventName, options, kind) {
      checkName(eventName, names)
      const property = checkProperty(eventName, options)
      names.add(eventName)
      const measures = kind === 'sum' ? [property] : [property, 'readAtMs']
      return Object.freeze({ name: eventName, kind, measures: Object.freeze(measures) })
    },

    forget: ({ name }) => void names.delete(name),
    isDeclared: (eventName) => names.has(eventName),

    counter(eventName, options) {
      const instrument = instruments.declare(eventName, options, 'sum')
      return {
        add(identity, value = 1, properties) {
          instruments.take(instrument, today(), identity, value, properties)
        },
      }
    },

    gauge(eventName, options) {
      const instrument = instruments.declare(eventName, options, 'last')
      return {
        record(identity, value, properties) {
          instruments.take(instrument, today(), identity, value, properties)
        },
      }
    },

    take(instrument, day, identity, value, properties) {
      if (isClosed()) {
        stats.tooLate += 1
        return
      }
      try {
        takeReading(instrument, day, identity, value, properties)
      } catch (error) {
        // A getter of the app's own objects threw.
        const text = `${quoted(instrument.name)} got an identity or properties that cannot be read, so its value was not counted. Give plain objects.`
        refuse('identity', text, error)
      }
    },

    cameTooLate() {
      stats.tooLate += 1
    },

    stats: () => ({ ...stats, refused: { ...stats.refused } }),
  }
  return instruments
}

function checkName(eventName: unknown, names: ReadonlySet<string>): void {
  if (!isEventName(eventName)) {
    throw refusal(eventName, `Name the event with a text of 1 to ${maxTextLength} characters.`)
  }
  if (eventName.startsWith(callMeasurePrefix)) {
    throw refusal(
      eventName,
      `px-usage uses names that begin with ${callMeasurePrefix} itself. Choose another.`,
    )
  }
  if (names.has(eventName)) {
    throw refusal(
      eventName,
      'Another instrument or a rollup of this meter has it. Give each instrument its own event name.',
    )
  }
}

function checkProperty(eventName: string, options: unknown): string {
  const property = (options as Partial<InstrumentOptions> | null | undefined)?.property
  if (typeof property === 'string' && Object.keys(usableProperties({ [property]: 0 })).length === 1) {
    return property
  }
  throw refusal(
    eventName,
    `Its option property is ${quoted(property)}. Give the name of the number in the event, such as { property: 'gigabytes' }, which no other property of the event has.`,
  )
}

function refusal(eventName: unknown, remedy: string): UsageError {
  return new UsageError(
    'PXU_ERR_COUNTING_INSTRUMENT',
    `No instrument can have the event name ${quoted(eventName)}. ${remedy}`,
  )
}
