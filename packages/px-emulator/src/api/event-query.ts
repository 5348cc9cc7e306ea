import { type EventShape, type EventTable, fieldOf } from '../columnar/event-table.ts'
import { type RowTest, rowTest } from '../columnar/row-test.ts'
import type { CustomEvent } from '../events/custom-event.ts'
import { PxError } from '../px-error.ts'
import { type Condition, instant, parseFilters } from '../query/filter.ts'
import { compareValues, pageSizeOf, readScroll, scrollIdOf, sortKeys } from '../query/scroll.ts'
import type { Switches } from '../switches.ts'

const dayMs = 86_400_000
const maxRangeDays = 190
const filterable: ReadonlySet<string> = new Set(['identifyId', 'eventName', 'date'])
const sortable: ReadonlySet<string> = new Set(['accountId', 'date'])

export interface EventQuery {
  nowMs: number
  /** Number of visible events, which are the first in the order of arrival. */
  visible: number
  switches: Pick<Switches, 'lastScrollId' | 'repeatedFilters'>
}

/**
 * Handles `GET /v1/events/custom`: `filter`, `sort`, `pageSize`, `scrollId`, `dateRangeStart` and `dateRangeEnd`. Without a
 * range, and without a condition on `date`, the last day is searched.
 *
 * @throws {PxError} 400 for a filter, page size or range that PX does not accept
 */
export function queryEvents(
  table: EventTable,
  params: URLSearchParams,
  { nowMs, visible, switches }: EventQuery,
): { customEvents: CustomEvent[]; totalHits: number; scrollId: string | null } {
  const scroll = readScroll(params, nowMs, visible)
  const { query, offset, upTo } = scroll
  const pageSize = pageSizeOf(query)
  const filters = parseFilters(
    query.getAll('filter'),
    (field) => filterable.has(field),
    switches.repeatedFilters,
  )
  const endMs = instant(query.get('dateRangeEnd')) ?? scroll.startedMs
  const startMs = instant(query.get('dateRangeStart')) ?? endMs - dayMs
  if (endMs - startMs > maxRangeDays * dayMs) throw new PxError(400, `Exceeded date range${maxRangeDays}days`)
  const ranged = !filters.some((all) => all.some(({ field }) => field === 'date'))
  if (ranged) {
    const within: Condition = {
      field: 'date',
      holds: (value) => (value as number) >= startMs && (value as number) <= endMs,
    }
    if (filters.length === 0) filters.push([within])
    else for (const all of filters) all.push(within)
  }
  const tests = new Map<EventShape, RowTest>()
  const found: number[] = []
  for (let place = 0; place < Math.min(upTo, table.length); place += 1) {
    const [shape, row] = table.locate(place)
    let test = tests.get(shape)
    if (test === undefined) {
      test = anyOf(filters.map((all) => allOf(all.map((each) => rowTest(shape, each)))))
      tests.set(shape, test)
    }
    if (test(row)) found.push(place)
  }
  sortPlaces(table, found, query)
  const page = found.slice(offset, offset + pageSize)
  const next = offset + page.length
  const isLast = next >= found.length
  return {
    customEvents: page.map((place) => table.at(place)),
    totalHits: found.length,
    scrollId: isLast && switches.lastScrollId === 'none' ? null : scrollIdOf({ ...scroll, offset: next }),
  }
}

function allOf(tests: readonly RowTest[]): RowTest {
  return (row) => tests.every((test) => test(row))
}

function anyOf(tests: readonly RowTest[]): RowTest {
  return (row) => tests.some((test) => test(row))
}

function sortPlaces(table: EventTable, places: number[], query: URLSearchParams): void {
  for (const { field, descending } of sortKeys(query).reverse()) {
    if (!sortable.has(field)) throw new PxError(400, `Unsupported sort ${JSON.stringify(field)}`)
    const keyed = places.map((place) => {
      const [shape, row] = table.locate(place)
      return { place, key: fieldOf(shape, field)?.column.at(row) }
    })
    keyed.sort((a, b) => (descending ? -1 : 1) * compareValues(a.key, b.key))
    keyed.forEach(({ place }, at) => {
      places[at] = place
    })
  }
}
