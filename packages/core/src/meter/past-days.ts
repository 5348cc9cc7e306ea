import { type AttributionStats, createAttribution } from '../attribution/attribute-call.ts'
import { createCallProperties } from '../attribution/call-properties.ts'
import { createEndpoints } from '../attribution/endpoint.ts'
import type { FinishedCall } from '../attribution/finished-call.ts'
import { createCallKinds } from '../counting/call-kinds.ts'
import type { Fold, Folded } from '../counting/overflow.ts'
import { createSeriesTable, type SeriesTable } from '../counting/series-table.ts'
import { createTurnCalls } from '../counting/turn-calls.ts'
import { rollUp } from '../day/rollup.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { UsageError } from '../errors.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { SeriesTotal, UsageDay } from '../model/series.ts'
import type { Namespace, StoreContext } from '../model/store.ts'
import { type MeterOptions, namespaceOf, parseOptions } from '../options/parse-options.ts'
import { rollupLine } from '../px/px-event.ts'
import { memoryStore } from '../stores/memory-store.ts'
import { decodeTotals, encodeTotals, type Scratch } from './parked-totals.ts'

/** The options of a meter that decide what its days become, and where. Give those of the meter that counts the live calls. */
export interface PastDaysOptions
  extends Pick<
    MeterOptions,
    | 'productKey'
    | 'region'
    | 'baseUrl'
    | 'dryRun'
    | 'timeZone'
    | 'properties'
    | 'rollups'
    | 'limits'
    | 'identifyTimeoutMs'
  > {
  /** Receives each kind of problem once: an `identify` that throws, detail that is folded. */
  onProblem(error: UsageError): void
}

/** How the lines of a past day are made. */
export interface PastDayLines {
  /** 0 if nothing of the day was sent before; a higher number for calls that are added to a closed day. */
  revision: number
  /** The property `backfill` of every event, by which an operator finds them in PX and in the outbox. */
  backfill: string
  /** The most lines of the day. Beyond it lines by endpoint are folded or left out; totals are exact. @default Infinity */
  maxLines?: number | undefined
}

/** Counts calls of past days in memory as a meter counts live ones: the same identities, endpoints, limits, rollups and ids. */
export interface PastDays {
  /** The context in which the meter of these options opens its store. */
  readonly context: StoreContext & { readonly namespace: Namespace }
  dayOf(epochMs: number): UsageDay
  /** Counts a call that finished on a day. Never throws. */
  record(call: FinishedCall, day: UsageDay): void
  /** Resolves when no call waits for its identity. */
  settled(): Promise<void>
  /** Returns the days with calls that were counted, oldest first. */
  days(): UsageDay[]
  /** Returns the number of calls that were counted on a day. */
  callsOf(day: UsageDay): number
  /** `series` is the number of series in memory. */
  stats(): AttributionStats & { counted: number; series: number; folded: Folded }
  /**
   * Moves the counts of days to a scratch file until at most `series` are in memory, first those of the day that was used longest ago.
   * Days that were used since the last call stay. A day comes back when a call of it is recorded.
   */
  park(scratch: Scratch, series: number): void
  /** Yields the lines of a day: the same each time it is asked, unless more calls were counted. */
  lines(day: UsageDay, settings: PastDayLines): AsyncGenerator<OutboxLine>
}

interface PastDay {
  /** `undefined` while the day is parked. */
  table: SeriesTable | undefined
  calls: number
  /** Returns the counts that were taken out of the table. They stay readable. */
  taken: Array<() => SeriesTotal[]>
}

const perTurn = 1_000

/**
 * Creates a counter of past days. It has no store and no clock: the caller puts the lines where they belong.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_...` for an invalid option
 */
export function createPastDays({ onProblem, ...options }: PastDaysOptions): PastDays {
  // The environment is not read: the caller knows its settings and shows where they come from.
  // A key for the API is not needed, because nothing is sent from here.
  const apiKey = 'unused'
  const settings = parseOptions({ ...options, apiKey, store: memoryStore() }, {})
  const { days: calendar, rollups, productKey, properties, limits, clock } = settings
  const { timeZone, noon } = calendar
  const diagnostics = firstOfEachKind(onProblem)
  const days = new Map<UsageDay, PastDay>()
  const folded: Folded = { endpoints: 0, properties: 0, users: 0, accounts: 0 }
  let counted = 0
  let last: { day: UsageDay; past: PastDay & { table: SeriesTable } } | undefined
  /** The days with calls since days were parked last. */
  const used = new Set<UsageDay>()
  let isRestoring = false

  const endpoints = createEndpoints()
  const callProperties = createCallProperties(properties, diagnostics)
  const callKinds = createCallKinds(endpoints, callProperties)
  let today: UsageDay = ''
  const attribution = createAttribution({
    clock,
    diagnostics,
    today: () => today,
    timeoutMs: settings.identifyTimeoutMs,
    lookupTimeoutMs: settings.graceMs,
    maxPending: 10_000,
    count(identity, call, times) {
      // What came first must be counted first, because the limits fold what comes last.
      waiting.count()
      const past = pastOf(call.day)
      past.table.addCall(identity, call, times)
      past.calls += times
      counted += times
    },
    countOne: (userId, accountId, kind) => waiting.add(today, userId, accountId, kind),
  })
  const waiting = createTurnCalls((day, calls) => {
    const past = pastOf(day)
    past.table.addCalls(calls)
    past.calls += calls.length
    counted += calls.length
  })

  /** Returns a day with a table, and notes that it is used now. */
  function pastOf(day: UsageDay): PastDay & { table: SeriesTable } {
    if (last?.day === day) return last.past
    const found = days.get(day) ?? { table: createTable(), calls: 0, taken: [] }
    const past = Object.assign(found, { table: found.table ?? restored(found) })
    // The last day of the map is the one that was used last.
    days.delete(day)
    days.set(day, past)
    used.add(day)
    last = { day, past }
    return past
  }

  function createTable(): SeriesTable {
    return createSeriesTable({
      limits,
      properties,
      onFold(fold: Fold, times: number) {
        // What was folded is counted once.
        if (isRestoring) return
        folded[fold] += times
        const message = `There are more ${fold} on a day than \`limits\` allows, so some calls are counted with less detail. The totals are exact.`
        diagnostics.warn('PXU_WRN_COUNTING_OVERFLOW', message, fold)
      },
      onSaturation() {},
    })
  }

  /** Returns a table with the counts of a parked day. They come in the order in which their series were made, so that no other ones fold. */
  function restored(past: PastDay): SeriesTable {
    const table = createTable()
    isRestoring = true
    for (const part of past.taken) for (const { series, values } of part()) table.add(series, values)
    isRestoring = false
    past.taken = []
    return table
  }

  /** Takes the counts that are new out of the table. */
  function takeOut({ table, taken }: PastDay): void {
    while (table !== undefined && table.changed > 0) {
      const part = table.take(perTurn)
      taken.push(() => {
        const totals: SeriesTotal[] = []
        part.forEach((id, values) => {
          totals.push({ series: table.describe(id), values: Array.from(values) })
        })
        return totals
      })
    }
  }

  function* totalsOf(past: PastDay): Generator<SeriesTotal> {
    takeOut(past)
    for (const part of past.taken) yield* part()
  }

  function park(past: PastDay, scratch: Scratch): void {
    takeOut(past)
    past.taken = past.taken.map((part) => {
      const place = scratch.write(encodeTotals(part()))
      return () => decodeTotals(scratch.read(place))
    })
    past.table = undefined
  }

  function seriesInMemory(): number {
    let series = 0
    for (const { table } of days.values()) series += table?.size ?? 0
    return series
  }

  return {
    context: { clock, diagnostics, timeZone, namespace: namespaceOf(settings) },
    dayOf: calendar.of,
    record(call, day) {
      today = day
      attribution.attribute(call.identity, callKinds.of(call))
    },
    settled: attribution.settled,
    days() {
      waiting.count()
      return [...days.keys()].sort()
    },
    callsOf(day) {
      waiting.count()
      return days.get(day)?.calls ?? 0
    },
    stats() {
      waiting.count()
      return { ...attribution.stats(), counted, series: seriesInMemory(), folded: { ...folded } }
    },
    park(scratch, most) {
      waiting.count()
      let series = seriesInMemory()
      for (const [day, past] of days) {
        if (series <= most) break
        if (past.table === undefined || used.has(day)) continue
        series -= past.table.size
        park(past, scratch)
      }
      used.clear()
      last = undefined
    },
    async *lines(day, { revision, backfill, maxLines }) {
      waiting.count()
      const past = days.get(day)
      if (past === undefined) return
      // The ids must be others than those of a meter or of another backfill, or PX would seem to have the events already.
      const namespace = JSON.stringify(['backfill', backfill, productKey])
      const rollUpSettings = { rollups, day, timeZone, revision, namespace, maxLines }
      for await (const usage of rollUp(totalsOf(past), rollUpSettings)) {
        const marked = { ...usage, properties: { ...usage.properties, backfill } }
        yield rollupLine(marked, { productKey, timeZone, noon })
      }
    },
  }
}

function firstOfEachKind(onProblem: (error: UsageError) => void): Diagnostics {
  const seen = new Set<string>()
  const once: Diagnostics['warn'] = (code, message, kind = '') => {
    const key = `${code} ${kind}`
    if (seen.has(key)) return
    seen.add(key)
    onProblem(new UsageError(code, message))
  }
  return {
    publish() {},
    warn: once,
    report: ({ code, message }, options) => once(code, message, options?.kind),
  }
}
