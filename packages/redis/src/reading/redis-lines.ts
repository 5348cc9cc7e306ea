import type { OutboxLine, WaitingLine } from '@px-usage/core'
import type { LinesOfDay, OutboxOverview } from '@px-usage/core/adapter'
import type { Connection } from '../connection.ts'
import { movingOn } from '../fleet.ts'
import type { KeyNames } from '../key-names.ts'
import { linesPerCall, pages, readIncomingLines } from '../redis-outbox.ts'
import { outboxKeys } from '../scripts/outbox-scripts.ts'

interface Place {
  readonly connection: Connection
  readonly keys: KeyNames
}

/** The name of a key of the outbox. */
function outboxKey({ outbox }: KeyNames, name: (typeof outboxKeys)[number]): string {
  return outbox[outboxKeys.indexOf(name)] as string
}

/** Yields the lines that wait, without a script: only commands that read. */
export function readWaitingLines(place: Place): AsyncGenerator<WaitingLine> {
  return movingOn(readIncomingLines(place), readLoadedLines(place))
}

async function* readLoadedLines({ connection, keys }: Place): AsyncGenerator<WaitingLine> {
  const [all, lines, states] = (['all', 'lines', 'state'] as const).map((name) => outboxKey(keys, name))
  for (let from = '-'; ; ) {
    const limit = ['LIMIT', '0', String(linesPerCall)]
    const places = (await connection.read(
      ['ZRANGEBYLEX', all as string, from, '+', ...limit],
      all as string,
    )) as string[]
    if (places.length === 0) break
    const found = (await connection.read(['HMGET', lines as string, ...places], lines as string)) as Array<
      string | null
    >
    const known = (await connection.read(['HMGET', states as string, ...places], states as string)) as Array<
      string | null
    >
    for (const [at, json] of found.entries()) {
      // It was delivered since its place was read.
      if (json === null) continue
      const state = known[at]?.startsWith('unconfirmed') ? 'unconfirmed' : 'pending'
      yield { ...(JSON.parse(json) as OutboxLine), state }
    }
    from = `(${places.at(-1)}`
  }
}

/** Counts the lines by state and, for those that Redis still has, by day. Redis forgets delivered lines, but not their number. */
export async function readOutbox(place: Place): Promise<OutboxOverview> {
  const { connection, keys } = place
  const days = new Map<string, { -readonly [K in keyof LinesOfDay]: LinesOfDay[K] }>()
  const of = (day: string) => {
    const count = days.get(day) ?? { day, pending: 0, unconfirmed: 0, rejected: 0, delivered: undefined }
    days.set(day, count)
    return count
  }
  for await (const { day, state } of readWaitingLines(place)) of(day)[state] += 1
  for await (const item of pages(connection, keys.rejected)) {
    const { day } = JSON.parse(item.slice(0, item.indexOf('\n'))) as OutboxLine
    of(day).rejected += 1
  }
  // One command reads all four numbers, so they are of one moment and add up.
  const fields = ['open', 'unconfirmed', 'delivered', 'rejected']
  const numbers = (await connection.read(['HMGET', keys.counts, ...fields], keys.counts)) as Array<
    string | null
  >
  const [open = 0, unconfirmed = 0, delivered = 0, rejected = 0] = numbers.map((number) =>
    Number(number ?? 0),
  )
  const counts = {
    closed: open + delivered + rejected,
    delivered,
    pending: open - unconfirmed,
    unconfirmed,
    rejected,
  }
  return { counts, days: [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1)) }
}
