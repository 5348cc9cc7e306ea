import type { CustomEvent } from './custom-event.ts'
import { PxError } from './px-error.ts'

const dayMs = 86_400_000
const maxRangeDays = 190
const maxPageSize = 1_000
const operators = ['==', '!=', '<=', '>=', '!~', '<', '>', '~'] as const

type Condition = (event: CustomEvent) => boolean

/**
 * Answers `GET /v1/events/custom`: `filter` (`;` is and, several are or), `sort`, `pageSize`, `scrollId`, `dateRangeStart`
 * and `dateRangeEnd`. Without a range the last day is searched.
 *
 * @throws {PxError} 400 for a filter, page size or range that PX does not take
 */
export function queryEvents(all: readonly CustomEvent[], query: URLSearchParams, nowMs: number): object {
  const pageSize = Number(query.get('pageSize') ?? 25)
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > maxPageSize) {
    throw new PxError(400, `pageSize must be between 1 and ${maxPageSize}`)
  }
  const filters = query.getAll('filter').map((filter) => filter.split(';').map(condition))
  const endMs = instant(query.get('dateRangeEnd')) ?? nowMs
  const startMs = instant(query.get('dateRangeStart')) ?? endMs - dayMs
  if (endMs - startMs > maxRangeDays * dayMs) throw new PxError(400, `Exceeded date range${maxRangeDays}days`)
  const hasDateFilter = query.getAll('filter').some((filter) => /(^|;)date[=!<>~]/.test(filter))
  const hits = all.filter(
    (event) =>
      (hasDateFilter || (event.date >= startMs && event.date <= endMs)) &&
      (filters.length === 0 || filters.some((conditions) => conditions.every((holds) => holds(event)))),
  )
  sortBy(hits, query.get('sort'))
  const offset = Number(query.get('scrollId') ?? 0)
  const customEvents = hits.slice(offset, offset + pageSize)
  return { customEvents, totalHits: hits.length, scrollId: String(offset + customEvents.length) }
}

function condition(text: string): Condition {
  const match = /^(\w+)(==|!=|<=|>=|!~|<|>|~)([\s\S]*)$/.exec(text)
  const [, field, operator, wanted] = match ?? []
  if (field === undefined || !['identifyId', 'eventName', 'date'].includes(field)) {
    throw new PxError(400, `Unsupported filter ${JSON.stringify(text)}`)
  }
  if (field === 'date') {
    const at = instant(wanted ?? '')
    if (at === undefined) throw new PxError(400, `Unsupported date ${JSON.stringify(wanted)}`)
    return (event) => compare(event.date, at, operator as (typeof operators)[number])
  }
  const folded = (wanted ?? '').toLowerCase()
  if (operator === '~' || operator === '!~') {
    const pattern = wildcard(folded)
    return (event) => pattern.test(String(event[field]).toLowerCase()) === (operator === '~')
  }
  return (event) =>
    compare(String(event[field]).toLowerCase(), folded, operator as (typeof operators)[number])
}

function compare<T extends string | number>(
  value: T,
  wanted: T,
  operator: (typeof operators)[number],
): boolean {
  switch (operator) {
    case '==':
      return value === wanted
    case '!=':
      return value !== wanted
    case '<':
      return value < wanted
    case '<=':
      return value <= wanted
    case '>':
      return value > wanted
    case '>=':
      return value >= wanted
    default:
      return false
  }
}

/** `*` is any text, `?` one character. */
function wildcard(pattern: string): RegExp {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${escaped}$`, 's')
}

/** Epoch ms, or an ISO date: both are in use. */
function instant(text: string | null): number | undefined {
  if (text === null) return undefined
  const at = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

function sortBy(events: CustomEvent[], sort: string | null): void {
  for (const key of (sort ?? '').split(';').filter(Boolean).reverse()) {
    const field = key.replace(/^-/, '')
    if (field !== 'date' && field !== 'accountId')
      throw new PxError(400, `Unsupported sort ${JSON.stringify(key)}`)
    const direction = key.startsWith('-') ? -1 : 1
    events.sort((a, b) => direction * compareAny(a[field], b[field]))
  }
}

function compareAny(a: unknown, b: unknown): number {
  if (a === b) return 0
  if (a === undefined || b === undefined) return a === undefined ? -1 : 1
  return (a as string | number) < (b as string | number) ? -1 : 1
}
