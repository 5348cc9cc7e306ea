import { createHash } from 'node:crypto'
import type { Endpoint } from '../attribution/endpoint.ts'
import type { Identity } from '../attribution/identity.ts'
import { mergeValues } from '../counting/instruments.ts'
import type { OutboxLine, Properties, SeriesTotal, UsageDay } from '../store/store.ts'

/** How the call series of a day become lines: one per identity and properties, or one per endpoint of these too. */
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
  /** The same usage rolled up again has the same id. */
  readonly rollupId: string
  readonly rank: OutboxLine['rank']
  /** Calls this usage stands for in the loss accounting: carried by the first rollup only, or they would count twice. */
  readonly calls: number
}

interface Group {
  readonly rollup: number
  readonly first: SeriesTotal
  values: readonly number[]
}

/** So many series are grouped before the event loop gets its turn; well under a millisecond's work. */
const sliceSize = 500

/**
 * Groups the totals of a day into one usage per rollup and entity. The order of the totals does not matter: the result is
 * sorted by `rollupId` within each rollup, and running it again gives the same again.
 */
export async function* rollUp(
  totals: AsyncIterable<SeriesTotal> | Iterable<SeriesTotal>,
  settings: { rollups: readonly Rollup[]; day: UsageDay; timeZone: string; revision: number },
): AsyncGenerator<DayUsage> {
  const groups = new Map<string, Group>()
  let seen = 0
  for await (const total of totals) {
    for (let rollup = 0; rollup < settings.rollups.length; rollup++) {
      const { eventName, by } = settings.rollups[rollup] as Rollup
      const key = entityKey(eventName, total, by === 'endpoint')
      const group = groups.get(key)
      if (group === undefined) groups.set(key, { rollup, first: total, values: total.values })
      else group.values = mergeValues(total.series.instrument, group.values, total.values)
    }
    if (++seen % sliceSize === 0) await eventLoopTurn()
  }

  const usages: Array<[rollup: number, usage: DayUsage]> = []
  for (const [key, group] of groups) {
    usages.push([group.rollup, dayUsage(key, group, settings)])
    if (usages.length % sliceSize === 0) await eventLoopTurn()
  }
  usages.sort(([a, first], [b, second]) => a - b || (first.rollupId < second.rollupId ? -1 : 1))
  for (const [, usage] of usages) yield usage
}

function dayUsage(
  key: string,
  { rollup, first, values }: Group,
  {
    rollups,
    day,
    timeZone,
    revision,
  }: { rollups: readonly Rollup[]; day: UsageDay; timeZone: string; revision: number },
): DayUsage {
  const { eventName, by } = rollups[rollup] as Rollup
  const { instrument, identity, properties, endpoint } = first.series
  return {
    eventName,
    day,
    identity,
    properties,
    endpoint: by === 'endpoint' ? endpoint : undefined,
    measures: Object.fromEntries(instrument.measures.map((name, measure) => [name, values[measure] ?? 0])),
    revision,
    rollupId: deterministicId(JSON.stringify([key, day, timeZone, revision])),
    rank: by === 'endpoint' ? 'detail' : 'total',
    calls: rollup === 0 ? (values[0] ?? 0) : 0,
  }
}

/** What makes two series belong together, as JSON: no id can look like a separator in it. */
function entityKey(eventName: string, { series }: SeriesTotal, withEndpoint: boolean): string {
  const { identity, properties, endpoint } = series
  const sorted = Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1))
  const place = withEndpoint ? [endpoint?.method, endpoint?.route] : []
  return JSON.stringify([eventName, identity.userId, identity.accountId ?? null, sorted, ...place])
}

/** A UUID made of a digest (version 8 of RFC 9562, section 5.8). */
function deterministicId(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
