import { parseFilters } from '../query/filter.ts'
import { compareValues, pageSizeOf, readScroll, scrollIdOf, sortKeys } from '../query/scroll.ts'
import type { Switches } from '../switches.ts'

/** A user or an account. */
export type Member = Record<string, unknown>

export interface MembersPage {
  members: Member[]
  totalHits: number
  scrollId: string | null
}

/**
 * Returns a page of a list, by `filter`, `sort`, `pageSize` and `scrollId`. Any field can be filtered and sorted.
 *
 * @throws {PxError} 400
 */
export function membersPage(
  all: Member[],
  params: URLSearchParams,
  { lastScrollId, repeatedFilters }: Pick<Switches, 'lastScrollId' | 'repeatedFilters'>,
): MembersPage {
  const scroll = readScroll(params, 0, 0)
  const pageSize = pageSizeOf(scroll.query)
  const filters = parseFilters(scroll.query.getAll('filter'), () => true, repeatedFilters)
  const found = all.filter(
    (member) =>
      filters.length === 0 ||
      filters.some((conditions) => conditions.every(({ field, holds }) => holds(valueAt(member, field)))),
  )
  for (const { field, descending } of sortKeys(scroll.query).reverse()) {
    found.sort((a, b) => (descending ? -1 : 1) * compareValues(valueAt(a, field), valueAt(b, field)))
  }
  const members = found.slice(scroll.offset, scroll.offset + pageSize)
  const offset = scroll.offset + members.length
  const isLast = offset >= found.length
  const scrollId = isLast && lastScrollId === 'none' ? null : scrollIdOf({ ...scroll, offset })
  return { members, totalHits: found.length, scrollId }
}

/** The value at a path such as `customAttributes.plan`. */
function valueAt(member: Member, path: string): unknown {
  let value: unknown = member
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Member)[name]
  }
  return value
}
