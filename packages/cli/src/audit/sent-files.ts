import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { CommandError, failedError } from '../exit-codes.ts'
import type { SentLine } from './comparison.ts'
import { factsOf } from './event-facts.ts'
import type { RecordedLine, SentRecord } from './sent-record.ts'

// biome-ignore lint/suspicious/noExplicitAny: every field is checked where it is used
type JsonObject = Record<string, any>

const states: readonly unknown[] = ['delivered', 'pending', 'unconfirmed', 'rejected']

/**
 * The record in files of JSON lines, compressed with gzip if their name ends with `.gz`. A line is the body of an event, or an object
 * with `id`, `state` and `body`. A body alone counts as delivered.
 *
 * @param dayOf returns the usage day of a time, for an event that names no day
 */
export function sentFiles(paths: readonly string[], dayOf: (epochMs: number) => string): SentRecord {
  async function* all(): AsyncGenerator<RecordedLine> {
    for (const path of paths) {
      let at = 0
      for await (const text of textsOf(path)) {
        at += 1
        if (text.trim() === '') continue
        const value = jsonObject(text)
        const line = value && parseSentLine(value)
        if (line === undefined)
          throw failedError(
            `${path}:${at}: this is not a line that was sent. Give the JSON lines of \`px-usage export\` or \`px-usage events\`.`,
          )
        if (line !== 'other') yield { ...line, day: factsOf(line.event, dayOf).day }
      }
    }
  }
  return {
    place: paths.join(', '),
    countByDay: () => countByDay(all()),
    async *lines(days) {
      for await (const line of all()) if (days.has(line.day)) yield line
    },
  }
}

async function* textsOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path)
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  // An error of the file does not pass through the pipe by itself.
  if (input !== file) file.on('error', (error) => input.destroy(error))
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw failedError(`Cannot read ${path}: ${(error as Error).message}`, error)
  } finally {
    file.destroy()
  }
}

/** Returns the number of lines of each day. */
export async function countByDay(lines: AsyncIterable<RecordedLine>): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for await (const { day } of lines) counts.set(day, (counts.get(day) ?? 0) + 1)
  return counts
}

/** Returns a line; `other` for one that sets attributes, and `undefined` for anything else. */
export function parseSentLine(value: JsonObject): SentLine | 'other' | undefined {
  const { body, kind, state = 'delivered' } = value
  if (kind === 'user' || kind === 'account') return 'other'
  const event = body === undefined ? value : typeof body === 'string' ? jsonObject(body) : Object(body)
  if (event === undefined || typeof event.eventName !== 'string' || !states.includes(state)) return undefined
  const id = value.id ?? event.attributes?.rollupId
  return typeof id === 'string' ? { id, state: state as SentLine['state'], event } : undefined
}

function jsonObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
