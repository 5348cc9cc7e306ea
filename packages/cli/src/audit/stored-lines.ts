import type { StoreReader } from '@px-usage/core/adapter'
import type { DayRange } from '../arguments/day-range.ts'
import { factsOf } from './event-facts.ts'
import { countByDay, parseSentLine } from './sent-files.ts'
import type { RecordedLine, SentRecord } from './sent-record.ts'

/**
 * The record that the store of the service keeps: the lines of its outbox and those that it delivered lately. A day of which it may lack
 * delivered lines has no record.
 *
 * @param dayOf returns the usage day of a time, for an event that names no day
 */
export function storedLines(
  reader: Pick<StoreReader, 'lines' | 'place' | 'incompleteUpTo'>,
  { first, last }: DayRange,
  dayOf: (epochMs: number) => string,
): SentRecord {
  async function* all(from: string, to: string): AsyncGenerator<RecordedLine> {
    const incomplete = (await reader.incompleteUpTo()) ?? ''
    for await (const { kind, id, state, body } of reader.lines(from, to)) {
      // An event of another version may have a body that is no JSON.
      const line = parseSentLine({ kind, id, state, body })
      if (line === undefined || line === 'other') continue
      const { day } = factsOf(line.event, dayOf)
      if (day > incomplete) yield { ...line, day }
    }
  }
  return {
    place: reader.place,
    countByDay: () => countByDay(all(first, last)),
    async *lines(days) {
      const sorted = [...days].sort()
      for await (const line of all(sorted[0] ?? '', sorted.at(-1) ?? '')) if (days.has(line.day)) yield line
    },
  }
}
