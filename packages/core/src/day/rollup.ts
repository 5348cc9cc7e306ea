import { hash } from 'node:crypto'
import { eventLoopTurn } from '../clock.ts'
import { apiCalls, shownMeasures } from '../counting/instruments.ts'
import { overflowEndpoint } from '../counting/overflow.ts'
import { createUnlimitedTable, type SeriesTable } from '../counting/series-table.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Identity } from '../model/identity.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { Properties, Series, SeriesTotal, UsageDay } from '../model/series.ts'

/**
 * How the API calls of a day become lines: one per identity and properties, or one per endpoint of these too.
 *
 * Any other instrument is rolled up by identity and properties, its name being the name of the event.
 */
export interface Rollup {
  eventName: string
  by: 'identity' | 'endpoint'
}

/** What one entity did on one day: the content of one event. */
export interface DayUsage {
  readonly eventName: string
  readonly day: UsageDay
  readonly identity: Identity
  readonly properties: Properties
  readonly endpoint: Endpoint | undefined
  readonly measures: Readonly<Record<string, number>>
  /** 0 for the close of the day, higher for counts that came later. */
  readonly revision: number
  /** The same usage rolled up again has the same id; no other has, also not of another product. */
  readonly rollupId: string
  readonly rank: OutboxLine['rank']
  /** Calls this usage stands for in the loss accounting: carried by one rollup only, or they would count twice. */
  readonly calls: number
}

export interface RollUpSettings {
  rollups: readonly Rollup[]
  day: UsageDay
  timeZone: string
  /** 0 for the close of the day, higher for counts that came later. */
  revision: number
  /** Whose usage it is: the product key. Two products never have a `rollupId` in common. */
  namespace: string
  /**
   * Lines there may be at most. Beyond it endpoints fold to one `(overflow)` per identity, and if these are too many as
   * well, the lines by endpoint are left out. Totals are always whole. @default Infinity
   */
  maxLines?: number | undefined
  /** A sum stands at 2^53 - 1, so it may be too low. */
  onSaturation?(): void
}

/** What became of the lines by endpoint: all of them there, one `(overflow)` for each identity, or none. */
export type Detail = 'whole' | 'folded' | 'left out'

/** So many series are grouped before the event loop gets its turn, and so many lines are made. */
const groupedPerTurn = 250
const linesPerTurn = 100

/**
 * Groups the totals of a day into one usage per rollup and entity, totals first. Which usages there are, and their ids, does
 * not depend on the order of the totals; their order does.
 *
 * In memory it keeps a series table of the groups (55 bytes each), and of the endpoints never more than `maxLines`.
 *
 * @returns what became of the endpoints, for want of lines
 */
export async function* rollUp(
  totals: AsyncIterable<SeriesTotal> | Iterable<SeriesTotal>,
  settings: RollUpSettings,
): AsyncGenerator<DayUsage, Detail> {
  const { rollups, maxLines = Number.POSITIVE_INFINITY } = settings
  const byIdentity = rollups.filter(({ by }) => by === 'identity')
  const byEndpoint = rollups.filter(({ by }) => by === 'endpoint')
  const accountant = byIdentity[0] ?? byEndpoint[0]
  const identities = createGroups()
  const others = createGroups()
  const endpoints = createGroups()
  const totalLines = () => identities.size * byIdentity.length + others.size
  const fits = (details: number) => totalLines() + details * byEndpoint.length <= maxLines
  let isWhole = true

  let seen = 0
  for await (const { series, values } of totals) {
    const { instrument, identity, properties, endpoint } = series
    const isCalls = instrument.name === apiCalls.name
    ;(isCalls ? identities : others).add(instrument, identity, properties, undefined, values)
    if (isCalls && isWhole && byEndpoint.length > 0) {
      endpoints.add(instrument, identity, properties, endpoint, values)
      isWhole = fits(endpoints.size)
      if (!isWhole) endpoints.clear()
    }
    if (++seen % groupedPerTurn === 0) await eventLoopTurn()
  }
  // Without any line by identity these are the totals.
  const isFolded = !isWhole && (byIdentity.length === 0 || fits(identities.size))

  for await (const { series, values } of identities.groups()) {
    for (const { eventName } of byIdentity) yield usageOf(eventName, series, values, 'total')
    if (!isFolded) continue
    const folded = { ...series, endpoint: overflowEndpoint }
    for (const { eventName } of byEndpoint) yield usageOf(eventName, folded, values, 'detail')
  }
  for await (const { series, values } of others.groups()) {
    yield usageOf(series.instrument.name, series, values, 'total')
  }
  for await (const { series, values } of endpoints.groups()) {
    for (const { eventName } of byEndpoint) yield usageOf(eventName, series, values, 'detail')
  }
  return isWhole ? 'whole' : isFolded ? 'folded' : 'left out'

  function usageOf(
    eventName: string,
    series: Series,
    values: ArrayLike<number>,
    rank: OutboxLine['rank'],
  ): DayUsage {
    const { instrument, identity, properties, endpoint } = series
    const { day, revision } = settings
    for (let measure = 0; measure < instrument.measures.length; measure++) {
      if (values[measure] === Number.MAX_SAFE_INTEGER) settings.onSaturation?.()
    }
    const isAccountant = instrument.name === apiCalls.name && eventName === accountant?.eventName
    return {
      eventName,
      day,
      identity,
      properties,
      endpoint,
      measures: Object.fromEntries(
        shownMeasures(instrument).map((name, measure) => [name, values[measure] ?? 0]),
      ),
      revision,
      rollupId: rollupId(eventName, series, settings),
      rank,
      calls: isAccountant ? (values[0] ?? 0) : 0,
    }
  }
}

interface Groups {
  readonly size: number
  readonly add: SeriesTable['add']
  /** Lets go of everything. */
  clear(): void
  /** Every group once, in slices between which the event loop gets its turn. Empties them. */
  groups(): AsyncGenerator<{ series: Series; values: ArrayLike<number> }>
}

function createGroups(): Groups {
  let table = createUnlimitedTable()
  return {
    get size() {
      return table.size
    },
    add: (...args) => table.add(...args),
    clear() {
      table = createUnlimitedTable()
    },
    async *groups() {
      while (table.changed > 0) {
        const slice: Array<{ series: Series; values: ArrayLike<number> }> = []
        table.take(linesPerTurn).forEach((id, values) => {
          slice.push({ series: table.describe(id), values: Array.from(values) })
        })
        yield* slice
        await eventLoopTurn()
      }
    },
  }
}

/** A UUID made of a digest (version 8 of RFC 9562, section 5.8) of all that makes the line, as JSON: nothing can look like a separator in it. */
function rollupId(eventName: string, series: Series, settings: RollUpSettings): string {
  const { instrument, identity, properties, endpoint } = series
  const { namespace, day, timeZone, revision } = settings
  const text = JSON.stringify([
    [namespace, instrument.name, eventName, day, timeZone, revision],
    [identity.userId, identity.accountId ?? null],
    Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)),
    endpoint === undefined ? null : [endpoint.method, endpoint.route],
  ])
  const digest = hash('sha256', text)
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-')
}
