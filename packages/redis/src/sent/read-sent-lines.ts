import type { OutboxLine, UsageDay } from '@px-usage/core'
import type { Connection } from '../connection.ts'
import { movingOn, readHash } from '../fleet.ts'
import type { KeyNames } from '../key-names.ts'
import { dayOfItem, decodeBlock, decodeItem } from './sent-blocks.ts'

interface Place {
  readonly connection: Pick<Connection, 'read'>
  readonly keys: KeyNames
}

/** Blocks that one command reads, about 500 KB. */
const blocksPerRead = 8
/** What `incompleteUpTo` is while lines are delivered that nothing records. */
const always = '9999-12-31'

/** Yields the delivered lines of some days that Redis keeps. */
export function readSentLines(
  place: Place,
  { first, last }: { first: UsageDay; last: UsageDay },
): AsyncGenerator<OutboxLine> {
  const isWanted = (day: UsageDay) => day >= first && day <= last
  return movingOn(readUncompressed(place, isWanted), readCompressed(place, isWanted))
}

async function* readUncompressed(
  { connection, keys }: Place,
  isWanted: (day: UsageDay) => boolean,
): AsyncGenerator<OutboxLine> {
  // One command reads them all: between two, the first ones may be compressed, so that the second would skip as many.
  const items = (await connection.read(['LRANGE', keys.sent, '0', '-1'], keys.sent)) as string[]
  for (const item of items) if (isWanted(dayOfItem(item))) yield decodeItem(item)
}

async function* readCompressed(
  { connection, keys }: Place,
  isWanted: (day: UsageDay) => boolean,
): AsyncGenerator<OutboxLine> {
  for (const day of daysOfIndex(await readHash(connection, keys.sentIndex))) {
    if (!isWanted(day)) continue
    for await (const block of blocksOf(connection, keys.sentDay(day))) yield* await decodeBlock(block)
  }
}

async function* blocksOf(connection: Pick<Connection, 'read'>, key: string): AsyncGenerator<string> {
  for (let from = 0; ; from += blocksPerRead) {
    const range = ['LRANGE', key, String(from), String(from + blocksPerRead - 1)]
    const blocks = (await connection.read(range, key)) as string[]
    yield* blocks
    if (blocks.length < blocksPerRead) return
  }
}

/** Returns the last day of which delivered lines may be missing; `undefined` if there is none. */
export async function readIncompleteUpTo({ connection, keys }: Place): Promise<UsageDay | undefined> {
  // In this order: a line that is settled in between is in both numbers, or in the second only.
  const delivered = await connection.read(['HGET', keys.counts, 'delivered'], keys.counts)
  const index = await readHash(connection, keys.sentIndex)
  if (Number(delivered ?? 0) > Number(index.get('delivered') ?? 0)) return always
  let upTo = index.get('incompleteUpTo')
  for (const day of daysOfIndex(index)) {
    // Redis removes a day by itself if nothing was sent in the meantime.
    if (Number(await connection.read(['EXISTS', keys.sentDay(day)], keys.sentDay(day))) === 1) break
    if (upTo === undefined || day > upTo) upTo = day
  }
  return upTo
}

/** Returns the days that have compressed lines, oldest first. */
export function daysOfIndex(index: ReadonlyMap<string, string>): UsageDay[] {
  return [...index.keys()].filter((field) => /^\d{4}-/.test(field)).sort()
}
