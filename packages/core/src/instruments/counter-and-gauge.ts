import { type IdentityInput, identityFault, usableIdentity } from '../attribution/identity.ts'
import { usableProperties } from '../attribution/properties.ts'
import { apiCalls } from '../counting/instruments.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { quoted, UsageError } from '../errors.ts'
import type { Identity } from '../model/identity.ts'
import type { Instrument, Properties, PropertyValue, UsageDay } from '../model/series.ts'

export interface InstrumentOptions {
  /** The name under which the number stands in the event. No other property of the event may have it. */
  property: string
}

/** Low-cardinality dimensions of one number, beside its identity. */
export type GivenProperties = Readonly<Record<string, PropertyValue>>

/** Adds up over the day: one event per identity, properties and closed day has the sum. */
export interface Counter {
  /**
   * Never throws: a value or an identity that cannot be counted is told to `onError` and counted in `stats()`.
   *
   * @param value finite and not negative @default 1
   */
  add(identity: IdentityInput, value?: number, properties?: GivenProperties): void
}

/** Keeps the last value of the day: one event per identity, properties and closed day has it. */
export interface Gauge {
  /** Never throws: a value or an identity that cannot be kept is told to `onError` and counted in `stats()`. @param value finite */
  record(identity: IdentityInput, value: number, properties?: GivenProperties): void
}

/** What became of the numbers that the app gave its counters and gauges. */
export interface ReadingStats {
  taken: number
  refused: { value: number; identity: number }
  /** Came after `close()`, or after the time that an observable gauge has. */
  tooLate: number
}

/** Takes one number of an instrument into a day. Never throws. */
type Take = (
  instrument: Instrument,
  day: UsageDay,
  identity: unknown,
  value: unknown,
  properties: unknown,
) => void

export interface AppInstruments {
  /**
   * Makes an instrument under a name that nothing else in this meter has.
   *
   * @throws {UsageError} `PXU_ERR_COUNTING_INSTRUMENT`
   */
  declare(eventName: string, options: InstrumentOptions, kind: Instrument['kind']): Instrument
  /** The name may be declared again. What was counted under it stays. */
  forget(instrument: Instrument): void
  isDeclared(eventName: string): boolean
  counter(eventName: string, options: InstrumentOptions): Counter
  gauge(eventName: string, options: InstrumentOptions): Gauge
  take: Take
  cameTooLate(): void
  stats(): ReadingStats
}

export interface AppInstrumentsSettings {
  now(): number
  today(): UsageDay
  /** Names of events that are not free: those of the rollups. */
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

const maxNameLength = 1_024
const none: Properties = Object.freeze({})

/** The numbers that the app itself counts and reads. They share series, days, store and delivery with the calls. */
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
        `${quoted(instrument.name)} got the value ${quoted(value)} and did not count it. Give ${expected}.`,
      )
      return
    }
    const identity = usableIdentity(given)
    if (identity === undefined) {
      refuse(
        'identity',
        `${quoted(instrument.name)} was given ${identityFault(given)} in place of an identity and did not count its value. Give { userId, accountId? } with non-empty strings, finite numbers or bigints.`,
      )
      return
    }
    const properties = propertiesBeside(instrument, givenProperties)
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
        // A getter of what the app gave threw.
        const text = `${quoted(instrument.name)} got an identity or properties that cannot be read, and did not count the value.`
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

function propertiesBeside({ measures }: Instrument, given: unknown): Properties {
  if (given === undefined || given === null) return none
  const [property = ''] = measures
  const usable = usableProperties(given)
  const clash = Object.keys(usable).filter((name) => name.toLowerCase() === property.toLowerCase())
  if (clash.length === 0) return usable
  return Object.fromEntries(Object.entries(usable).filter(([name]) => !clash.includes(name)))
}

function checkName(eventName: unknown, names: ReadonlySet<string>): void {
  const isName = typeof eventName === 'string' && eventName.trim() !== '' && eventName.isWellFormed()
  if (!isName || eventName.length > maxNameLength) {
    throw refusal(eventName, `Name the event with a text of 1 to ${maxNameLength} characters.`)
  }
  if (names.has(eventName)) {
    throw refusal(eventName, 'Another instrument or a rollup of this meter has it. Give each its own.')
  }
}

function checkProperty(eventName: string, options: unknown): string {
  const property = (options as Partial<InstrumentOptions> | null | undefined)?.property
  if (typeof property === 'string' && Object.keys(usableProperties({ [property]: 0 })).length === 1) {
    return property
  }
  throw refusal(
    eventName,
    `Its option property is ${quoted(property)}. Give the name of the number in the event, such as { property: 'gigabytes' }, that the events do not use themselves.`,
  )
}

function refusal(eventName: unknown, cure: string): UsageError {
  return new UsageError(
    'PXU_ERR_COUNTING_INSTRUMENT',
    `No instrument can have the event name ${quoted(eventName)}. ${cure}`,
  )
}
