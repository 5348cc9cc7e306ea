import { usableProperties } from '../attribution/properties.ts'
import { callMeasure } from '../counting/instruments.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { quoted } from '../errors.ts'
import type { MeasuredValue } from '../model/counted-call.ts'
import type { Instrument, Properties } from '../model/series.ts'

/** Checks the numbers that the app measures of its calls. */
export interface CallMeasures {
  /**
   * Returns the usable measures of a call, `undefined` if there are none. `undefined` and `null` count as not given. Never throws.
   *
   * @param given what the app's `measures` callback returned for this call
   */
  of(given: unknown): readonly MeasuredValue[] | undefined
  /** Number of values that were not counted. */
  readonly refused: number
}

/** Limit of names. Each is one more series for each user and endpoint, and one more property of each event. */
const maxNames = 10

/** Creates the check of a meter, whose own properties and measures must not have the same names. */
export function createCallMeasures(own: Properties, diagnostics: Diagnostics): CallMeasures {
  const instruments = new Map<string, Instrument>()
  const taken = new Set(Object.keys(own).map((name) => name.toLowerCase()))
  let refused = 0

  function refuse(kind: string, message: string): undefined {
    refused += 1
    diagnostics.warn('PXU_WRN_COUNTING_MEASURE_REFUSED', message, kind)
  }

  function instrumentOf(name: string): Instrument | undefined {
    const known = instruments.get(name)
    if (known !== undefined) return known
    const which = `The measure ${quoted(name)} is not counted.`
    if (Object.keys(usableProperties({ [name]: 0 })).length === 0 || taken.has(name.toLowerCase()))
      return refuse(
        'name',
        `${which} px-usage or a property of the meter has that name, or PX accepts no such name. Choose another.`,
      )
    if (instruments.size >= maxNames)
      return refuse(
        'tooMany',
        `${which} A meter has at most ${maxNames} measures. Use fewer names; values belong into the number.`,
      )
    const instrument = callMeasure(name)
    instruments.set(name, instrument)
    taken.add(name.toLowerCase())
    return instrument
  }

  function measured(name: string, value: unknown): MeasuredValue | undefined {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      return refuse(
        'value',
        `The measure ${quoted(name)} has the value ${quoted(value)}, which is not counted. Give a finite number that is not negative.`,
      )
    const instrument = instrumentOf(name)
    return instrument && { instrument, value }
  }

  function read(given: unknown): readonly MeasuredValue[] | undefined {
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      return refuse(
        'object',
        `The measures of a call are ${quoted(given)}, and are not counted. Return an object such as { tokens: 12 }, or nothing.`,
      )
    const measures: MeasuredValue[] = []
    for (const [name, value] of Object.entries(given)) {
      if (value === undefined || value === null) continue
      const usable = measured(name, value)
      if (usable !== undefined) measures.push(usable)
    }
    return measures.length === 0 ? undefined : measures
  }

  return {
    of(given) {
      if (given === undefined || given === null) return undefined
      try {
        return read(given)
      } catch {
        return refuse('threw', 'The measures of a call threw when they were read, and are not counted.')
      }
    },
    get refused() {
      return refused
    },
  }
}
