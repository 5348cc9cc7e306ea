import type { Instrument } from '../model/series.ts'

/** The measures of API calls, in the order in which a series stores them. */
const callMeasures = ['apiCalls', 'clientErrors', 'serverErrors', 'aborted'] as const

/** The first instrument of every meter: finished requests. The option `rollups` gives its measures their event names. */
export const apiCalls: Instrument = Object.freeze({ name: 'apiCalls', kind: 'sum', measures: callMeasures })

/** Names of instruments that begin so belong to the measures of calls. */
export const callMeasurePrefix = `${apiCalls.name}.`

/** Returns the instrument of a number that the app measures of its calls. Its sums become part of the events of these calls. */
export function callMeasure(name: string): Instrument {
  return Object.freeze({ name: callMeasurePrefix + name, kind: 'sum', measures: Object.freeze([name]) })
}

export function isCallMeasure({ name }: Instrument): boolean {
  return name.startsWith(callMeasurePrefix)
}

/** Combines two values of one series by the kind of its instrument. Sums stop at 2^53 - 1, because larger ones are not exact. */
export function mergeValues(
  { kind }: Instrument,
  has: readonly number[],
  gained: ArrayLike<number>,
): readonly number[] {
  if (kind === 'last') return (gained[1] ?? 0) >= (has[1] ?? 0) ? Array.from(gained) : has
  return has.map((value, measure) => Math.min(value + (gained[measure] ?? 0), Number.MAX_SAFE_INTEGER))
}

/** Returns the measures that an event contains: the time of a reading only decides which one is the last. */
export function shownMeasures({ kind, measures }: Instrument): readonly string[] {
  return kind === 'last' ? measures.slice(0, 1) : measures
}
