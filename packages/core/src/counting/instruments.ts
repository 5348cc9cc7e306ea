import type { Instrument } from '../model/series.ts'

/** The measures of an API call series, in the order in which a series keeps them. */
const callMeasures = ['apiCalls', 'clientErrors', 'serverErrors', 'aborted'] as const

/** The first instrument of every meter: finished requests. The rollups of the options give its numbers their event names. */
export const apiCalls: Instrument = Object.freeze({ name: 'apiCalls', kind: 'sum', measures: callMeasures })

/** Both values of one series together, by the kind of its instrument. Sums stop at 2^53 - 1, beyond which they would be wrong. */
export function mergeValues(
  { kind }: Instrument,
  has: readonly number[],
  gained: ArrayLike<number>,
): readonly number[] {
  if (kind === 'last') return (gained[1] ?? 0) >= (has[1] ?? 0) ? Array.from(gained) : has
  return has.map((value, measure) => Math.min(value + (gained[measure] ?? 0), Number.MAX_SAFE_INTEGER))
}

/** The measures that stand in an event: the time of a reading only decides which one is the last. */
export function shownMeasures({ kind, measures }: Instrument): readonly string[] {
  return kind === 'last' ? measures.slice(0, 1) : measures
}
