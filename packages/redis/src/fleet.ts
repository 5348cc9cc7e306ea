import { type StoreContext, UsageError } from '@px-usage/core'
import { quoted, systemClock } from '@px-usage/core/adapter'
import type { Connection, Reply } from './connection.ts'
import type { KeyNames } from './key-names.ts'

/** What the parts of an open store share. */
export interface Fleet {
  readonly context: StoreContext
  readonly connection: Connection
  readonly keys: KeyNames
  readonly shards: number
  /** Names this process, from open to close. */
  readonly me: string
  /** The first argument of scripts: `''` for the time of Redis, or the time of a clock that the app gave to the meter. */
  now(): string | number
}

export function createFleet(parts: Omit<Fleet, 'now'>): Fleet {
  const { clock } = parts.context
  return {
    ...parts,
    now: () => (clock === systemClock ? '' : Math.floor(clock.now())),
  }
}

/** Runs tasks over parts of a list, in order, so that no script has more to do than Redis should do at once. */
export async function inSlices<T>(
  items: readonly T[],
  size: number,
  task: (slice: readonly T[]) => Promise<unknown>,
): Promise<void> {
  for (let from = 0; from < items.length; from += size) await task(items.slice(from, from + size))
}

/**
 * Yields the lines of a place, then those of the next one that were not in the first. Lines move from place to place: read in this order,
 * one that moves meanwhile is found twice, not missed, and comes once.
 */
export async function* movingOn<T extends { readonly id: string }>(
  first: AsyncIterable<T>,
  next: AsyncIterable<T>,
): AsyncGenerator<T> {
  const found = new Set<string>()
  for await (const line of first) {
    found.add(line.id)
    yield line
  }
  for await (const line of next) if (!found.has(line.id)) yield line
}

/** Reads a whole hash, which must be small. Some clients return an object. */
export async function readHash(
  connection: Pick<Connection, 'read'>,
  key: string,
): Promise<Map<string, string>> {
  const flat = (await connection.read(['HGETALL', key], key)) as string[] | Record<string, string>
  if (!Array.isArray(flat)) return new Map(Object.entries(flat))
  return new Map(flat.flatMap((field, at) => (at % 2 === 0 ? [[field, flat[at + 1] as string]] : [])))
}

/**
 * Yields the fields and values of a hash from which nothing is removed, each field once. Redis may return a field of a scan twice.
 *
 * The cursor of a scan means something to the process that returned it only: one that starts again, or a replica that takes over, skips
 * fields without an error. So their number is compared.
 *
 * @throws {UsageError} `PXU_ERR_STORE_UNAVAILABLE` if Redis fails, or was replaced during the scan
 */
export async function* scanHash(connection: Connection, key: string): AsyncGenerator<[string, string][]> {
  const fields = Number(await connection.read(['HLEN', key], key))
  const seen = new Set<string>()
  let cursor = '0'
  do {
    const [next, flat] = (await connection.read(['HSCAN', key, cursor, 'COUNT', '500'], key)) as [
      Reply,
      string[],
    ]
    cursor = String(next)
    const found: [string, string][] = []
    for (let at = 0; at < flat.length; at += 2) {
      const field = flat[at] as string
      if (seen.has(field)) continue
      seen.add(field)
      found.push([field, flat[at + 1] as string])
    }
    if (found.length > 0) yield found
  } while (cursor !== '0')
  if (seen.size >= fields) return
  const text = `Redis returned ${seen.size} of ${fields} counts of ${quoted(key)}, because it was restarted or failed over meanwhile.`
  throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', text)
}
