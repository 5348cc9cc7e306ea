import type { Fold, SeriesLimits } from '../../packages/core/src/counting/overflow.ts'
import { createSeriesTable, type SeriesTable } from '../../packages/core/src/counting/series-table.ts'
import type { Series } from '../../packages/core/src/model/series.ts'

export const ownProperties = Object.freeze({ apiType: 'RESTful' })

const none = Number.POSITIVE_INFINITY
export const noLimits: SeriesLimits = {
  series: none,
  endpointsPerIdentity: none,
  propertySets: none,
  users: none,
}

/** A table with room for everything but what `limits` says, and the warnings that it reported. */
export function tableWith(limits: Partial<SeriesLimits> = {}) {
  const folds: Partial<Record<Fold, number>> = {}
  const told = { folds, saturations: 0 }
  const table = createSeriesTable({
    limits: { ...noLimits, ...limits },
    properties: ownProperties,
    onFold(fold, times) {
      folds[fold] = (folds[fold] ?? 0) + times
    },
    onSaturation() {
      told.saturations += 1
    },
  })
  return { table, told }
}

/** What makes a series, as a text for a model. */
export function nameOf({ instrument, identity, properties, endpoint }: Series): string {
  return JSON.stringify([
    [instrument.name, instrument.kind, instrument.measures],
    [identity.userId, identity.accountId ?? null],
    Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)),
    endpoint === undefined ? null : [endpoint.method, endpoint.route],
  ])
}

/** All that changed, taken out of the table in slices: values by the name of the series. */
export function takeAll(table: SeriesTable, slice = 7): Map<string, number[]> {
  const taken = new Map<string, number[]>()
  while (table.changed > 0) {
    table.take(slice).forEach((id, gained) => {
      const name = nameOf(table.describe(id))
      if (taken.has(name)) throw new Error(`${name} was taken twice`)
      taken.set(name, Array.from(gained))
    })
  }
  return taken
}

/** The sum of one measure over everything taken. */
export function sumOf(taken: Map<string, number[]>, measure = 0): number {
  let sum = 0
  for (const values of taken.values()) sum += values[measure] ?? 0
  return sum
}
