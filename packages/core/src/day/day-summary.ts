import { apiCalls } from '../counting/instruments.ts'
import { overflowEndpoint } from '../counting/overflow.ts'
import { createUnlimitedTable } from '../counting/series-table.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Series, SeriesTotal } from '../model/series.ts'

/** What a day has so far, from all processes. */
export interface DaySummary {
  /** API calls of users. */
  readonly calls: number
  readonly series: number
  /** Users, each once for each of its accounts. */
  readonly users: number
  /** Names of the instruments, `apiCalls` among them. */
  readonly instruments: readonly string[]
  readonly endpoints: readonly CalledEndpoint[]
}

export interface CalledEndpoint extends Endpoint {
  readonly calls: number
  /** Whether the calls of several endpoints were folded into it, because a limit was reached. */
  readonly isFolded: boolean
}

/** Adds up the totals of a day. It holds a series table of them in memory (55 bytes for each series). */
export async function summarizeDay(totals: AsyncIterable<SeriesTotal>): Promise<DaySummary> {
  const series = createUnlimitedTable()
  const users = createUnlimitedTable()
  const instruments = new Set<string>()
  const endpoints = new Map<string, Endpoint & { calls: number; isFolded: boolean }>()
  let calls = 0
  for await (const total of totals) {
    const { instrument, identity, endpoint } = total.series
    instruments.add(instrument.name)
    series.add(total.series, total.values)
    users.add({ instrument: apiCalls, identity, properties: {} } satisfies Series, [1])
    if (instrument.name !== apiCalls.name) continue
    const count = total.values[0] ?? 0
    calls += count
    if (endpoint === undefined) continue
    const key = JSON.stringify([endpoint.method, endpoint.route])
    const isFolded = endpoint.route === overflowEndpoint.route
    const known = endpoints.get(key) ?? { ...endpoint, calls: 0, isFolded }
    known.calls += count
    endpoints.set(key, known)
  }
  return {
    calls,
    series: series.size,
    users: users.size,
    instruments: [...instruments].sort(),
    endpoints: [...endpoints.values()].sort((a, b) => b.calls - a.calls),
  }
}
