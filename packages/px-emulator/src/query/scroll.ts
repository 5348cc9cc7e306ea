import { PxError } from '../px-error.ts'

/** Where a list is read on: the query of its first page, and how far it has come. */
export interface Scroll {
  query: URLSearchParams
  offset: number
  /** Time of the request for the first page. */
  startedMs: number
  /** Events that there were then: later ones do not move those on the pages to come. */
  upTo: number
}

const maxPageSize = 1_000
const maxSortKeys = 10

/**
 * Reads the position of a page in a list. A `scrollId` contains its query, so it is sufficient alone.
 *
 * @throws {PxError} 400 for a `scrollId` that the emulator did not issue
 */
export function readScroll(query: URLSearchParams, startedMs: number, upTo: number): Scroll {
  const scrollId = query.get('scrollId')
  if (!scrollId) return { query, offset: 0, startedMs, upTo }
  try {
    const known: unknown = JSON.parse(Buffer.from(scrollId, 'base64url').toString('utf8'))
    const [text, ...numbers] = known as [string, number, number, number]
    if (!numbers.every(Number.isSafeInteger)) throw new TypeError()
    return { query: new URLSearchParams(text), offset: numbers[0], startedMs: numbers[1], upTo: numbers[2] }
  } catch {
    throw new PxError(400, `Unknown scrollId ${JSON.stringify(scrollId)}`)
  }
}

export function scrollIdOf({ query, offset, startedMs, upTo }: Scroll): string {
  return Buffer.from(JSON.stringify([query.toString(), offset, startedMs, upTo])).toString('base64url')
}

/** @throws {PxError} 400 */
export function pageSizeOf(query: URLSearchParams): number {
  const pageSize = Number(query.get('pageSize') ?? 25)
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > maxPageSize) {
    throw new PxError(400, `pageSize must be between 1 and ${maxPageSize}`)
  }
  return pageSize
}

/** The keys of `sort`, `;` between them, `-` for descending. @throws {PxError} 400 for too many */
export function sortKeys(query: URLSearchParams): { field: string; descending: boolean }[] {
  const keys = (query.get('sort') ?? '').split(';').filter(Boolean)
  if (keys.length > maxSortKeys) throw new PxError(400, `A list is sorted by ${maxSortKeys} fields at most`)
  return keys.map((key) => ({ field: key.replace(/^-/, ''), descending: key.startsWith('-') }))
}

/** What is absent comes first. */
export function compareValues(a: unknown, b: unknown): number {
  if (a === b) return 0
  if (a === undefined || a === null) return b === undefined || b === null ? 0 : -1
  if (b === undefined || b === null) return 1
  return (a as string | number) < (b as string | number) ? -1 : 1
}
