import { eventLoopTurn } from '../clock.ts'
import { apiCalls, isCallMeasure } from '../counting/instruments.ts'
import { createUnlimitedTable } from '../counting/series-table.ts'
import type { Instrument, Series } from '../model/series.ts'

/** A series with its sums over all totals of a day. */
export interface Group {
  readonly series: Series
  readonly values: ArrayLike<number>
  /** The sums of what the app measured of these calls: every measure of the day, 0 where these calls had none. */
  readonly measured: ReadonlyArray<readonly [name: string, value: number]>
}

/** The groups of a rollup, each with its sums. */
export interface Groups {
  readonly size: number
  add(series: Series, gained: ArrayLike<number>): void
  /** Removes all groups. */
  clear(): void
  /** Yields and removes every group, in slices that each take one turn of the event loop. */
  groups(): AsyncGenerator<Group>
}

/** How many lines are created in one turn of the event loop. More would delay requests. */
const linesPerTurn = 100

const noCalls = apiCalls.measures.map(() => 0)

/** Creates an empty collection. A measure of calls belongs to the group of its calls. */
export function createGroups(): Groups {
  let sums = createUnlimitedTable()
  let sumsOfMeasures = createUnlimitedTable()
  const measures = new Map<string, Instrument>()

  function measuredOf(series: Series): Group['measured'] {
    if (series.instrument.name !== apiCalls.name) return []
    return Array.from(measures.values(), (instrument) => [
      instrument.measures[0] as string,
      sumsOfMeasures.valueOf({ ...series, instrument }),
    ])
  }

  return {
    get size() {
      return sums.size
    },
    add(series, gained) {
      const { instrument } = series
      if (!isCallMeasure(instrument)) {
        sums.add(series, gained)
        return
      }
      measures.set(instrument.name, instrument)
      sumsOfMeasures.add(series, gained)
      // A limit may have folded the endpoint of the measure and not that of its calls. Without a group the sum would be lost.
      sums.add({ ...series, instrument: apiCalls }, noCalls)
    },
    clear() {
      sums = createUnlimitedTable()
      sumsOfMeasures = createUnlimitedTable()
    },
    async *groups() {
      while (sums.changed > 0) {
        const slice: Group[] = []
        sums.take(linesPerTurn).forEach((id, values) => {
          const series = sums.describe(id)
          slice.push({ series, values: Array.from(values), measured: measuredOf(series) })
        })
        yield* slice
        await eventLoopTurn()
      }
    },
  }
}
