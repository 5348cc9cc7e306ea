import { backfillOf, type KnownLine, type PxEvent, type StoreReader } from '@px-usage/core/adapter'
import type { DayRange } from '../arguments/day-range.ts'

/** Which lines of a closed day are exported. */
export const lineChoices = ['all', 'sent', 'unsent'] as const
export type LineChoice = (typeof lineChoices)[number]

/** An event as PX receives it, and what became of it. */
export interface ExportedEvent {
  readonly day: string
  readonly state: KnownLine['state']
  /** The body of the request, on one line. */
  readonly body: string
  readonly fields: EventFields
}

/** The body, parsed. What another version of px-usage wrote may have other fields. */
export type EventFields = { readonly [Field in Exclude<keyof PxEvent, 'attributes'>]?: unknown } & {
  readonly attributes?: Readonly<Record<string, unknown>>
}

/** What an export contained. */
export interface ExportTally {
  events: number
  readonly byState: Partial<Record<KnownLine['state'], number>>
  readonly days: Set<string>
  /** Lines that set attributes of users and accounts. They are no events. */
  attributeLines: number
  /** Lines whose body is no JSON. */
  unreadable: number
}

export function newTally(): ExportTally {
  return { events: 0, byState: {}, days: new Set(), attributeLines: 0, unreadable: 0 }
}

/** Returns whether a line is exported. */
export function isChosen({ state }: Pick<KnownLine, 'state'>, choice: LineChoice): boolean {
  return choice === 'all' || (choice === 'sent') === (state === 'delivered')
}

/**
 * Leaves out the lines of withdrawn backfills that the process that sends has not removed yet. In a dry run, no process ever does.
 *
 * @param withdrawn the names of the backfills
 */
export async function* withoutWithdrawn(
  lines: AsyncIterable<KnownLine>,
  withdrawn: ReadonlySet<string>,
): AsyncGenerator<KnownLine> {
  for await (const line of lines) {
    const name = line.state === 'pending' && withdrawn.size > 0 ? backfillOf(line.body) : undefined
    if (name === undefined || !withdrawn.has(name)) yield line
  }
}

/** Yields the events of a range, and counts them. */
export async function* exportedEvents(
  reader: Pick<StoreReader, 'lines'>,
  { first, last }: DayRange,
  choice: LineChoice,
  tally: ExportTally,
): AsyncGenerator<ExportedEvent> {
  for await (const { kind, day, state, body } of reader.lines(first, last)) {
    if (!isChosen({ state }, choice)) continue
    if (kind !== 'event') {
      tally.attributeLines += 1
      continue
    }
    const fields = fieldsOf(body)
    if (fields === undefined) {
      tally.unreadable += 1
      continue
    }
    tally.events += 1
    tally.byState[state] = (tally.byState[state] ?? 0) + 1
    tally.days.add(day)
    yield { day, state, body: body.includes('\n') ? JSON.stringify(fields) : body, fields }
  }
}

function fieldsOf(body: string): EventFields | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
