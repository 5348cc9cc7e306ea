import { contentsOf, type KnownLine } from '@px-usage/core/adapter'
import { parseDay, parseLimit } from '../arguments/parse-arguments.ts'
import type { CliCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { createEventSummary, type EventSummary, printEvents } from '../lines/event-summary.ts'
import { openPlace } from '../place/open-place.ts'

interface Flags {
  limit: string
}

interface EventsOfDay extends EventSummary {
  readonly number: number
  readonly name: string
  readonly day: string
  /** Whether delivered events of the day are not kept, or may not all be. */
  readonly mayMissDelivered: boolean
}

/** Shows the lines of a closed day that the store still has, with their states. */
export const events: CliCommand<Flags> = {
  name: 'events',
  summary: 'Show what of a closed day was sent, waits or was rejected',
  uses: ['store'],
  define: (command) =>
    void command
      .argument('<day>', 'the usage day, such as 2026-11-23')
      .option('--limit <number>', 'how many events are shown, and are in the JSON', '20')
      .addHelpText(
        'after',
        '\nThe store keeps delivered events for 190 days, within keepSentBytes: by default\n256 MiB in a folder and 64 MiB in Redis.\n\nExample:\n  px-usage events 2026-11-23 --json',
      ),

  async run({ args: [given = ''], flags, settings, output }) {
    const day = parseDay(given)
    const limit = parseLimit(flags.limit)
    const place = await openPlace(settings)
    try {
      const found: EventsOfDay[] = []
      for (const reader of place.readers) {
        const { number, name } = reader
        const summary = createEventSummary(limit)
        for await (const line of reader.lines(day)) summary.add(eventOf(line))
        const mayMissDelivered = ((await reader.incompleteUpTo()) ?? '') >= day
        found.push({ number, name, day, mayMissDelivered, ...summary.result() })
      }
      output.result(found, () => {
        for (const { name, mayMissDelivered, ...summary } of found) {
          output.heading(`${name}: ${day}`)
          if (summary.total > 0) printEvents(summary, output)
          else
            output.line('  The store has no event of this day: it is open, had no calls, or is kept no more.')
          if (mayMissDelivered)
            output.line('  Delivered events of this day are not kept, or not all of them.')
        }
      })
      return exitCodes.ok
    } finally {
      await place.close()
    }
  },
}

/** The body of a line and its state. A line of another version may have a body that is no JSON. */
function eventOf(line: KnownLine) {
  const { eventName, userId, accountId } = contentsOf(line)
  let attributes: Record<string, unknown> = {}
  try {
    attributes = Object(JSON.parse(line.body)).attributes ?? {}
  } catch {}
  return {
    eventName: eventName ?? `${line.kind} attributes`,
    userId,
    accountId,
    attributes,
    state: line.state,
  }
}
