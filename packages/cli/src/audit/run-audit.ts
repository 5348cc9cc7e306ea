import type { UsageDays } from '@px-usage/core/adapter'
import { type DayRange, daysIn } from '../arguments/day-range.ts'
import type { PxConnection } from '../px/px-connection.ts'
import { Comparison, type EventFault, type NameTotals, type UntrueAverage } from './comparison.ts'
import { readPxEvents } from './read-px-events.ts'
import type { SentRecord } from './sent-record.ts'

export interface AuditRequest {
  readonly range: DayRange
  readonly days: UsageDays
  readonly record: SentRecord
  /** Events of other products are left out. Without it, those of the record's products count. */
  readonly productKey: string | undefined
  /** Names of events whose foreign ones are looked for although the record does not have the name. */
  readonly names: readonly string[]
  readonly pageSize: number
  readonly signal: AbortSignal
  onFault(fault: EventFault): void
  onUntrueAverage(average: UntrueAverage): void
  /** Called with the number of pages that are expected, and then after each page. */
  onPages(expected: number): void
  onPage(): void
}

export interface AuditResult {
  readonly totals: readonly NameTotals[]
  /** Days of the range without a record. There only repeated events can be found. */
  readonly daysWithoutRecord: readonly string[]
}

/** Days are compared together until they have this many lines. It bounds the memory of the tables to 75 MB, or to one day if that has more. */
const linesPerSlice = 1_000_000

/** Compares the record of what was sent with what PX holds. */
export async function runAudit(px: Pick<PxConnection, 'get'>, request: AuditRequest): Promise<AuditResult> {
  const { range, record } = request
  const counts = await record.countByDay()
  const slices = slicesOf(daysIn(range), counts)
  const lines = daysIn(range).reduce((sum, day) => sum + (counts.get(day) ?? 0), 0)
  request.onPages(Math.ceil(lines / request.pageSize))
  const totals = new Map<string, NameTotals>()
  // All names of the record are looked for on every day, so that a foreign event is found on a day on which nothing was sent.
  const names = new Set(request.names)
  if (slices.length > 1)
    for await (const { event } of record.lines(new Set(daysIn(range)))) names.add(nameOf(event))
  for (const slice of slices) {
    for (const one of await compareSlice(px, request, slice, names)) addTotals(totals, one)
  }
  const daysWithoutRecord = daysIn(range).filter((day) => !counts.has(day))
  return { totals: [...totals.values()], daysWithoutRecord }
}

interface Slice {
  readonly days: readonly string[]
  readonly hasRecord: boolean
}

/** Joins days that follow each other, as long as they have few lines and all or none of them have a record. */
function slicesOf(days: readonly string[], counts: ReadonlyMap<string, number>): Slice[] {
  const slices: Array<{ days: string[]; hasRecord: boolean; lines: number }> = []
  for (const day of days) {
    const lines = counts.get(day) ?? 0
    const hasRecord = counts.has(day)
    const last = slices.at(-1)
    if (last !== undefined && last.hasRecord === hasRecord && last.lines + lines <= linesPerSlice) {
      last.days.push(day)
      last.lines += lines
    } else slices.push({ days: [day], hasRecord, lines })
  }
  return slices
}

async function compareSlice(
  px: Pick<PxConnection, 'get'>,
  request: AuditRequest,
  { days: sliceDays, hasRecord }: Slice,
  names: Set<string>,
): Promise<readonly NameTotals[]> {
  const { days, record, productKey, onFault, onUntrueAverage } = request
  const comparison = new Comparison({ hasRecord, productKey, dayOf: days.of, onFault })
  const own = new Set(sliceDays)
  for await (const line of record.lines(own)) {
    comparison.expect(line)
    names.add(nameOf(line.event))
  }
  await readPxEvents(px, {
    ...request,
    names: [...names],
    startMs: days.bounds(sliceDays[0] as string).startMs,
    endMs: days.bounds(sliceDays.at(-1) as string).endMs - 1,
    onEvent: (event) => comparison.see(event),
  })
  if (comparison.hasMissing) for await (const line of record.lines(own)) comparison.finish(line)
  for (const average of comparison.untrueAverages()) onUntrueAverage(average)
  return comparison.totals
}

function nameOf(event: object): string {
  return String((event as { eventName?: unknown }).eventName)
}

function addTotals(all: Map<string, NameTotals>, more: NameTotals): void {
  const known = all.get(more.eventName)
  if (known === undefined) {
    all.set(more.eventName, more)
    return
  }
  known.sent += more.sent
  known.inPx += more.inPx
  for (const [name, sum] of Object.entries(more.sentSums))
    known.sentSums[name] = (known.sentSums[name] ?? 0) + sum
  for (const [name, sum] of Object.entries(more.pxSums)) known.pxSums[name] = (known.pxSums[name] ?? 0) + sum
  for (const kind of ['missing', 'doubled', 'changed', 'foreign'] as const)
    known.faults[kind] += more.faults[kind]
}
