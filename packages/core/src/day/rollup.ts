import { hash } from 'node:crypto'
import { eventLoopTurn } from '../clock.ts'
import { apiCalls, isCallMeasure, shownMeasures } from '../counting/instruments.ts'
import { overflowEndpoint } from '../counting/overflow.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Identity } from '../model/identity.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { Properties, Series, SeriesTotal, UsageDay } from '../model/series.ts'
import { sortedEntries } from '../model/sorted-entries.ts'
import { createGroups, type Group } from './groups.ts'

/**
 * How the API calls of a day become lines: one per identity and properties, or one per identity, properties and endpoint.
 *
 * Other instruments are always rolled up by identity and properties, and their name is the name of the event.
 */
export interface Rollup {
  eventName: string
  by: 'identity' | 'endpoint'
}

/** The usage of one identity (and endpoint) on one day, which becomes one event. */
export interface DayUsage {
  readonly eventName: string
  readonly day: UsageDay
  readonly identity: Identity
  readonly properties: Properties
  readonly endpoint: Endpoint | undefined
  readonly measures: Readonly<Record<string, number>>
  /** 0 for the close of the day, higher for late counts. */
  readonly revision: number
  /** The same whenever the same usage is rolled up again, and different from that of any other usage or product. */
  readonly rollupId: string
  readonly rank: OutboxLine['rank']
  /** The calls that are lost with this usage. Only one rollup carries them, because they would otherwise count twice. */
  readonly calls: number
}

/** The settings of `rollUp()`. */
export interface RollUpSettings {
  rollups: readonly Rollup[]
  day: UsageDay
  timeZone: string
  /** 0 for the close of the day, higher for late counts. */
  revision: number
  /** The product key. It keeps two products from having the same `rollupId`. */
  namespace: string
  /**
   * The most lines. Beyond it endpoints fold into one `(overflow)` per identity. If these are still too many, the lines by
   * endpoint are left out. Totals are always exact. @default Infinity
   */
  maxLines?: number | undefined
  /** Called for a sum of 2^53 - 1, which may be too low. */
  onSaturation?(): void
}

/** What became of the lines by endpoint: all of them, one `(overflow)` for each identity, or no lines. */
export type Detail = 'whole' | 'folded' | 'left out'

/** How many series are grouped in one turn of the event loop. More would delay requests. */
const groupedPerTurn = 250

/**
 * Groups the totals of a day into usages, those by identity first. The order of the totals changes the order of the usages, but not
 * the usages or their ids.
 *
 * It holds a series table of the groups in memory (55 bytes each), with at most `maxLines` groups by endpoint.
 *
 * @returns what became of the lines by endpoint
 */
export async function* rollUp(
  totals: AsyncIterable<SeriesTotal> | Iterable<SeriesTotal>,
  settings: RollUpSettings,
): AsyncGenerator<DayUsage, Detail> {
  const { rollups, maxLines = Number.POSITIVE_INFINITY } = settings
  const byIdentity = rollups.filter(({ by }) => by === 'identity')
  const byEndpoint = rollups.filter(({ by }) => by === 'endpoint')
  const carrier = byIdentity[0] ?? byEndpoint[0]
  const identities = createGroups()
  const ofInstruments = createGroups()
  const endpoints = createGroups()
  const totalLines = () => identities.size * byIdentity.length + ofInstruments.size
  const fits = (details: number) => totalLines() + details * byEndpoint.length <= maxLines
  let isWhole = true

  let seen = 0
  for await (const { series, values } of totals) {
    const isCalls = series.instrument.name === apiCalls.name || isCallMeasure(series.instrument)
    ;(isCalls ? identities : ofInstruments).add({ ...series, endpoint: undefined }, values)
    if (isCalls && isWhole && byEndpoint.length > 0) {
      endpoints.add(series, values)
      isWhole = fits(endpoints.size)
      if (!isWhole) endpoints.clear()
    }
    if (++seen % groupedPerTurn === 0) await eventLoopTurn()
  }
  // Without a rollup by identity, the lines by endpoint are the only totals, so they are folded and never left out.
  const isFolded = !isWhole && (byIdentity.length === 0 || fits(identities.size))

  for await (const group of identities.groups()) {
    for (const { eventName } of byIdentity) yield usageOf(eventName, group, 'total')
    if (!isFolded) continue
    const folded = { ...group, series: { ...group.series, endpoint: overflowEndpoint } }
    for (const { eventName } of byEndpoint) yield usageOf(eventName, folded, 'detail')
  }
  for await (const group of ofInstruments.groups()) {
    yield usageOf(group.series.instrument.name, group, 'total')
  }
  for await (const group of endpoints.groups()) {
    for (const { eventName } of byEndpoint) yield usageOf(eventName, group, 'detail')
  }
  return isWhole ? 'whole' : isFolded ? 'folded' : 'left out'

  function usageOf(
    eventName: string,
    { series, values, measured }: Group,
    rank: OutboxLine['rank'],
  ): DayUsage {
    const { instrument, identity, properties, endpoint } = series
    const { day, revision } = settings
    const shown = shownMeasures(instrument).map((name, measure) => [name, values[measure] ?? 0] as const)
    const measures = Object.fromEntries([...shown, ...measured])
    if (Object.values(measures).includes(Number.MAX_SAFE_INTEGER)) settings.onSaturation?.()
    const isCarrier = instrument.name === apiCalls.name && eventName === carrier?.eventName
    return {
      eventName,
      day,
      identity,
      properties,
      endpoint,
      measures,
      revision,
      rollupId: rollupId(eventName, series, settings),
      rank,
      calls: isCarrier ? (values[0] ?? 0) : 0,
    }
  }
}

/**
 * Returns a UUID (version 8, RFC 9562, section 5.8) that is a digest of everything that identifies the line. The digest is of JSON,
 * because joined text could be equal for different values that contain the separator.
 */
function rollupId(eventName: string, series: Series, settings: RollUpSettings): string {
  const { instrument, identity, properties, endpoint } = series
  const { namespace, day, timeZone, revision } = settings
  const text = JSON.stringify([
    [namespace, instrument.name, eventName, day, timeZone, revision],
    [identity.userId, identity.accountId ?? null],
    sortedEntries(properties),
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
